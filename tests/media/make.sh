#!/usr/bin/env bash
# Makes the sample media of this directory anew, with the real producers named in README.md.
# Needs: imagemagick, webp, ffmpeg, opus-tools, espeak-ng, libreoffice-writer-nogui, qpdf, python3, the DejaVu fonts.
# Encoders stamp versions and times: the bytes differ from run to run, what they are does not.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
convert=${CONVERT:-/usr/bin/convert}

# photo.jpg, photo-1mb.jpg: a fractal landscape with the grain of a camera.
$convert -seed 7 -size 1280x853 plasma:steelblue-sandybrown -blur 0x2 -attenuate 0.12 +noise Gaussian \
  -quality 78 -set comment "Attache sample photo" photo.jpg
$convert -seed 11 -size 2600x1733 plasma:seagreen-peachpuff -blur 0x2 -attenuate 0.35 +noise Gaussian \
  -define jpeg:extent=1040kb photo-1mb.jpg

# screenshot.png: a window with text.
$convert -size 900x420 xc:'#f4f5f7' -fill '#1f2a44' -draw 'rectangle 0,0 900,56' -fill white -font DejaVu-Sans-Bold \
  -pointsize 22 -annotate +24+37 'Order 20481: payment failed' -fill '#1f2a44' -font DejaVu-Sans -pointsize 18 \
  -annotate +24+110 'Card ending 4242 was declined (code 05).' -annotate +24+150 'Please send us a photo of your receipt.' \
  -depth 8 screenshot.png

# anim.gif, animation.webp, sticker.webp: moving, moving, still with transparency.
for n in 0 1 2 3 4 5; do
  $convert -size 160x160 xc:white -fill "hsl($((n * 60)),160,130)" \
    -draw "circle 80,80 80,$((20 + n * 9))" "$work/f$n.png"
done
$convert -delay 12 -loop 0 "$work"/f?.png -layers optimize anim.gif
gif2webp -quiet -q 70 anim.gif -o animation.webp
$convert -size 512x512 xc:none -fill gold -draw 'circle 256,256 256,30' -fill black -draw 'circle 176,206 176,176' \
  -draw 'circle 336,206 336,176' -fill none -stroke black -strokewidth 18 -draw 'arc 146,176 366,396 20,160' "$work/s.png"
cwebp -quiet -q 80 "$work/s.png" -o sticker.webp

# voice.ogg: a spoken sentence as a telephone's voice note (Opus, mono).
espeak-ng -w "$work/voice.wav" "Hello, my parcel arrived damaged. I am sending you a picture of it."
opusenc --quiet --downmix-mono --bitrate 24 "$work/voice.wav" voice.ogg

# clip.mp4: H.264 and AAC.
ffmpeg -loglevel error -y -f lavfi -i testsrc2=size=320x240:rate=15:duration=3 \
  -f lavfi -i sine=frequency=440:duration=3 -c:v libx264 -preset slow -crf 32 -pix_fmt yuv420p -c:a aac -b:a 48k \
  -movflags +faststart -shortest clip.mp4

# Rechnung März (1).pdf, brief.docx: written by LibreOffice.
cat >"$work/Rechnung.html" <<'HTML'
<html><head><meta charset="utf-8"><title>Rechnung März</title></head><body>
<h1>Rechnung Nr. 2031</h1><p>Leistungszeitraum: März · Zahlbar bis 14. April</p>
<table border="1"><tr><th>Posten</th><th>Betrag</th></tr><tr><td>Wartung Kaffeemühle</td><td>48,00 €</td></tr>
<tr><td>Dichtungsringe (größer)</td><td>6,50 €</td></tr></table><p>Vielen Dank für Ihren Auftrag.</p></body></html>
HTML
cat >"$work/brief.html" <<'HTML'
<html><head><meta charset="utf-8"><title>Brief</title></head><body>
<p>Sehr geehrte Damen und Herren,</p><p>anbei finden Sie die Fotos des beschädigten Pakets.</p><p>Mit freundlichen Grüßen</p></body></html>
HTML
office() {
  local filter=$1
  shift
  soffice "-env:UserInstallation=file://$work/profile" --headless --convert-to "$filter" --outdir "$work" "$@" >/dev/null
}
office odt:writer8 --infilter="HTML (StarWriter)" "$work/Rechnung.html" "$work/brief.html"
office pdf:writer_pdf_Export "$work/Rechnung.odt"
office "docx:MS Word 2007 XML" "$work/brief.odt"
qpdf --check "$work/Rechnung.pdf" >/dev/null
cp "$work/Rechnung.pdf" "Rechnung März (1).pdf"
cp "$work/brief.docx" brief.docx

# truncated.pdf: the same invoice, its last third never arrived.
head -c $(($(stat -c %s "$work/Rechnung.pdf") * 2 / 3)) "$work/Rechnung.pdf" >truncated.pdf

# notes.txt: UTF-8 without a byte order mark.
printf 'Notes for the agent\n\nParcel 20481 – the box was crushed on one side.\nCustomer asks: Rückerstattung oder Ersatz?\n' >notes.txt

# invoice.png: not an image. A 64-bit Windows executable of 1 KiB whose whole program is `xor eax, eax; ret`.
python3 - <<'PY'
from struct import pack
dos = b"MZ" + b"\0" * 58 + pack("<I", 0x80)
dos = dos.ljust(0x80, b"\0")
coff = pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, 240, 0x0022)
optional = pack("<HBBIIIII", 0x20B, 1, 0, 0x200, 0, 0, 0x1000, 0x1000)
optional += pack("<QIIHHHHHHIIIIHH", 0x140000000, 0x1000, 0x200, 6, 0, 0, 0, 6, 0, 0, 0x2000, 0x200, 0, 3, 0x8160)
optional += pack("<QQQQII", 0x100000, 0x1000, 0x100000, 0x1000, 0, 16) + b"\0" * 128
section = b".text\0\0\0" + pack("<IIIIIIHHI", 3, 0x1000, 0x200, 0x200, 0, 0, 0, 0, 0x60000020)
head = (dos + b"PE\0\0" + coff + optional + section).ljust(0x200, b"\0")
open("invoice.png", "wb").write(head + b"\x31\xc0\xc3".ljust(0x200, b"\xcc"))
PY
