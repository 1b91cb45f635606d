//! Things a machine runs, and text with an interpreter line: PE and DOS, ELF, Mach-O, Java classes, Android bytecode,
//! WebAssembly, Windows shortcuts, compiled help and scripts, shebang scripts. Installers inside OLE2 and programs inside ZIP are told in those rooms.
//!
//! Signatures: PE/COFF specification (`e_lfanew` at 0x3C), ELF gABI, `mach-o/loader.h` and `fat.h`, JVMS §4.1,
//! MS-SHLLINK §2.1. Where two formats share a magic (`CAFEBABE`) or prose could carry it (`MZ`), structure decides.

use crate::kind::FileType;
use crate::seen::Seen;
use crate::source::Source;
use std::io;

/// MS-SHLLINK §2.1: header size 0x4C and the first field of the LinkCLSID.
const SHORTCUT: &[u8] = b"\x4C\0\0\0\x01\x14\x02\0\0\0\0\0\xC0\0\0\0\0\0\0\x46";

pub(super) fn read(source: &mut Source<'_>) -> io::Result<Option<Seen>> {
    let head = source.head();
    let kind = match head {
        [b'M', b'Z', ..] => return windows(source),
        [0x7F, b'E', b'L', b'F', ..] => FileType::Elf,
        [0xFE, 0xED, 0xFA, 0xCE | 0xCF, ..] | [0xCE | 0xCF, 0xFA, 0xED, 0xFE, ..] => {
            FileType::MachO
        }
        [0xCA, 0xFE, 0xBA, 0xBE, rest @ ..] => return Ok(fat_or_class(rest)),
        [b'd', b'e', b'x', b'\n', ..] => FileType::Dex,
        [0, b'a', b's', b'm', ..] => FileType::Wasm,
        [b'I', b'T', b'S', b'F', 2..=4, 0, 0, 0, ..] => FileType::CompiledHelp,
        _ if head.starts_with(b"FasdUAS ") => FileType::CompiledAppleScript,
        _ if head.starts_with(SHORTCUT) => FileType::WindowsShortcut,
        _ if has_interpreter_line(head) => FileType::ShellScript,
        _ => return Ok(None),
    };
    Ok(Some(Seen::certain(kind)))
}

/// `MZ`: a PE where the new header is in place, a DOS program where the rest is no text.
fn windows(source: &mut Source<'_>) -> io::Result<Option<Seen>> {
    let Some(at) = source.exactly::<4>(0x3C)?.map(u32::from_le_bytes) else {
        let tiny_program = source.head().contains(&0);
        return Ok(tiny_program.then(|| Seen::likely(FileType::DosExecutable)));
    };
    Ok(match source.at(u64::from(at), 4)? {
        b"PE\0\0" => Some(Seen::certain(FileType::Pe)),
        [b'N' | b'L', b'E', ..] | [b'L', b'X', ..] => Some(Seen::certain(FileType::DosExecutable)),
        _ => source
            .head()
            .iter()
            .take(64)
            .any(|&b| b == 0)
            .then(|| Seen::likely(FileType::DosExecutable)),
    })
}

/// Whether these first bytes of something are machine code, bytecode or a shortcut, whatever holds them.
pub(crate) fn is_program(head: &[u8]) -> bool {
    match head {
        [b'M', b'Z', ..] => {
            let at = head.get(0x3C..0x40).map_or(0, |four| {
                u32::from_le_bytes([four[0], four[1], four[2], four[3]])
            });
            let at = usize::try_from(at).unwrap_or(usize::MAX);
            head.get(at..)
                .is_some_and(|header| header.starts_with(b"PE\0\0"))
                || head.iter().take(64).filter(|&&b| b == 0).count() > 8
        }
        [0x7F, b'E', b'L', b'F', 1 | 2, 1 | 2, ..] => true,
        [0xFE, 0xED, 0xFA, 0xCE | 0xCF, ..] | [0xCE | 0xCF, 0xFA, 0xED, 0xFE, ..] => true,
        [b'd', b'e', b'x', b'\n', b'0', ..] => true,
        _ => head.starts_with(SHORTCUT),
    }
}

/// `CAFEBABE`: a universal binary counts its architectures (few) where a class file states its version (45 and up).
fn fat_or_class(rest: &[u8]) -> Option<Seen> {
    let count = u32::from_be_bytes(rest.get(..4)?.try_into().ok()?);
    Some(Seen::certain(if count < 45 {
        FileType::MachO
    } else {
        FileType::JavaClass
    }))
}

/// `#!` and an absolute path; AMR sound begins with `#!AMR`.
fn has_interpreter_line(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    head.strip_prefix(b"#!")
        .is_some_and(|rest| rest.trim_ascii_start().first() == Some(&b'/'))
}
