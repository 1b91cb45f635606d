//! Inspection: one target for each parser of foreign bytes. Whatever follows a format's beginning, edited or not, is judged
//! without a panic, reads no more than it may, and says the same when it is looked at again.

use std::io::Cursor;

use attache_fuzz::{Edit, edited};
use attache_inspect::{Claim, Policy, READ_CAP, inspect, sniff};

/// Judges `seed` with `edits` in it and `more` behind it.
fn judged(seed: &[u8], edits: &[Edit], more: &[u8], name: Option<&str>) {
    let bytes = [edited(seed, edits), more.to_vec()].concat();
    let claim = Claim {
        declared: None,
        file_name: name,
    };
    let look = || {
        inspect(&mut Cursor::new(&bytes), &claim).unwrap_or_else(|error| panic!("inspect: {error}"))
    };
    let findings = look();
    assert!(findings.bytes_read <= READ_CAP);
    assert_eq!(findings, look());
    let judgement = Policy::default().judge(&findings);
    assert!(
        judgement
            .reasons
            .iter()
            .all(|reason| reason.verdict <= judgement.verdict)
    );
    drop(sniff(&mut Cursor::new(&bytes), &claim));
}

macro_rules! targets {
    ($($name:ident $file:literal $($seed:expr),+;)+) => {
        $(#[test]
        fn $name() {
            bolero::check!()
                .with_iterations(500)
                .with_type::<(Vec<Edit>, Vec<u8>)>()
                .for_each(|(edits, more)| {
                    let seeds: &[&[u8]] = &[$(&$seed[..]),+];
                    for seed in seeds {
                        judged(seed, edits, more, Some($file));
                    }
                });
        })+
    };
}

targets! {
    executables "a.exe" b"MZ\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x40\0\0\0PE\0\0",
        b"\x7FELF\x02\x01\x01\0", b"\xCA\xFE\xBA\xBE\0\0\0\x02", b"#!/bin/sh\n";
    png "a.png" b"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90\x77\x53\xDE\0\0\0\0IEND\xAE\x42\x60\x82";
    jpeg "a.jpg" b"\xFF\xD8\xFF\xE0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xFF\xC0\0\x0B\x08\0\x01\0\x01\x01\x01\x11\0\xFF\xDA\0\x08\x01\x01\0\0\x3F\0\0\xFF\xD9";
    gif "a.gif" b"GIF89a\x01\0\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";
    tiff "a.tif" b"II*\0\x0C\0\0\0abcd\x02\0\x11\x01\x04\0\x01\0\0\0\x08\0\0\0\x17\x01\x04\0\x01\0\0\0\x04\0\0\0\0\0\0\0", b"MM\0*\0\0\0\x08\0\x01\x01\0\0\x03\0\0\0\x01\0\x09\0\0\0\0\0\0", b"II+\0\x08\0\0\0";
    riff "a.webp" b"RIFF\x1A\0\0\0WEBPVP8L\x0D\0\0\0\x2F\0\0\0\x10\x07\x10\x11\x11\x88\x88\xFE\x07\0", b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1F\0\0\x80\x3E\0\0\x02\0\x10\0data\0\0\0\0", b"RIFF\x0C\0\0\0AVI LIST\0\0\0\0";
    iso_media "a.mp4" b"\0\0\0\x14ftypisom\0\0\0\0mp42\0\0\0\x10moov\0\0\0\x08trak", b"\0\0\0\x01ftypisom\0\0\0\0\0\0\0\x18\0\0\0\0", b"\0\0\0\x08free\0\0\0\x14ftypmif1\0\0\0\0heic";
    jpeg_2000 "a.jp2" b"\0\0\0\x0CjP  \r\n\x87\n\0\0\0\x14ftypjp2 \0\0\0\0jp2 \0\0\0\x2Djp2h\0\0\0\x16ihdr\0\0\0\x01\0\0\0\x01\0\x01\x07\x07\0\0", b"\xFF\x4F\xFF\x51\0\x29";
    ogg "a.ogg" b"OggS\0\x02\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\x01\x13OpusHead\x01\x01\0\0\x80\xBB\0\0\0\0\0";
    matroska "a.mkv" b"\x1A\x45\xDF\xA3\x87\x42\x82\x84webm\x18\x53\x80\x67\x81x";
    zip "a.zip" b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\x83\x16\xDC\x8C\x01\0\0\0\x01\0\0\0\x01\0\0\0axPK\x01\x02\x14\0\x14\0\0\0\0\0\0\0\0\0\x83\x16\xDC\x8C\x01\0\0\0\x01\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0aPK\x05\x06\0\0\0\0\x01\0\x01\0\x2F\0\0\0\x20\0\0\0\0\0";
    ole2 "a.doc" b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x3E\0\x03\0\xFE\xFF\x09\0\x06\0";
    archives "a.rar" b"Rar!\x1A\x07\x01\0\x33\x92\xB5\xE5\x0A\x01\x05\x06\0\x05\x01\x01\x80\x80\0", b"Rar!\x1A\x07\0\xCF\x90\x73\0\0\x0D\0\0\0\0\0\0\0", b"7z\xBC\xAF\x27\x1C\0\x04\0\0\0\0\x20\0\0\0\0\0\0\0", b"\x1F\x8B\x08\x08\0\0\0\0\0\x03a.txt\0\x4B\x04\0\x43\xBE\xB7\xE8\x01\0\0\0";
    icons "a.ico" b"\0\0\x01\0\x01\0\x01\x01\0\0\x01\0\x20\0\x30\0\0\0\x16\0\0\0";
    bitmaps "a.bmp" b"BM\x3A\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\x18\0\0\0\0\0\x04\0\0\0";
    pdf "a.pdf" b"%PDF-1.7\n1 0 obj\n<</Type/ObjStm/N 1/First 4/Length 20>>\nstream\n7 0 <</S/Launch>>xx\nendstream\nendobj\n2 0 obj\n<</XFA[(a) 3 0 R]/OpenAction<</S/JavaScript/JS(x)>>>>\nendobj\n3 0 obj\n<</Length 11>>\nstream\n<template/>\nendstream\nendobj\ntrailer<<>>\nstartxref\n9\n%%EOF",
        b"%PDF-1.4\n4 0 obj\n<</Filter/Standard/V 1/R 2/Length 40/P -12/O<d8a81f2f756b03f0e776376607dc67c098531ac3e51f6e5cf0fc1473b1ce0975>/U<5fcef3dc7b5c6f0be57878ae43f171252ad7c082c319c0fe00dd79061e924a64>>>\nendobj\n5 0 obj\n<</S/JavaScript/JS<55cba3104520a1de650301f8>>>\nendobj\ntrailer <</Encrypt 4 0 R/ID[<31415926535897932384626433832795>]>>\nstartxref\n9\n%%EOF";
    hidden "a.gif" b"GIF89a\x01\0\x01\0\0\0\0!\xFE\x10var a = eval(b);\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;", b"\x89PNG\r\n\x1A\n\0\0\0\x04prVt\x7FELF\0\0\0\0", b"RIFF\x18\0\0\0WAVEJUNK\x0C\0\0\0\x1F\x8B\x08\0\0\0\0\0\0\x03\x4B\x04",
        b"\xFF\xD8\xFF\xFE\0\x0ABZh91AY&\xFF\xD9", b"\xFF\xD8\xFF\xFE\0\x0E\xFD7zXZ\0\0\x04\xE6\xD6\xB4\x46\xFF\xD9", b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\x83\x16\xDC\x8C\x01\0\0\0\x01\0\0\0\x01\0\0\0ax#!/bin/sh\nPK\x01\x02";
    rtf "a.rtf" b"{\\rtf1{\\object\\objemb{\\*\\objclass Package}{\\*\\objdata 01050000020000000800}}{\\*\\template http://a}}";
    sound "a.mp3" b"ID3\x04\0\0\0\0\0\x05abcde\xFF\xFB\x90\0", b"\xFF\xF1\x50\x80\x17\x3F\xFC", b"#!AMR\n\x3C", b"fLaC\0\0\0\x22";
    markup "a.html" b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><svg onload='' href='java&#x73;cript:x'>&b;</svg>", b"\xFF\xFE<\0h\0t\0m\0l\0>\0", b"<html>\0<script>";
    mail "a.eml" b"From: a@b\r\nSubject: x\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Disposition: attachment; filename=\"a.exe\"\r\n";
    data "a.csv" b"a;b\n=cmd|'/c x'!A0;2\n3;4\n", b"BEGIN:VCARD\r\nFN:x\r\nEND:VCARD", b"{\"a\": [1]}", b"ID;P\nC;Y1\nE";
    scripts "a.txt" b"@echo off\r\ngoto end\r\n:end", b"var a = require('a');\nconsole.log(a);\nconst b = 1;\n";
}

#[test]
fn any_bytes() {
    bolero::check!()
        .with_iterations(5_000)
        .with_type::<(Vec<u8>, Option<String>)>()
        .for_each(|(bytes, name)| judged(b"", &[], bytes, name.as_deref()));
}
