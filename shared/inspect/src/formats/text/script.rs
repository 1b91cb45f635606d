//! Scripts under any name: by a first line that only scripts have, or by several things that only one language says.

use crate::kind::FileType;

/// How much of a text is looked at.
const CAP: usize = 16 << 10;

/// What a language says and prose does not, in lower case. Two different ones are needed, at the beginning of a line
/// or as a call.
const POWERSHELL: [&str; 20] = [
    "invoke-expression",
    "invoke-webrequest",
    "new-object ",
    "write-host",
    "write-output",
    "set-executionpolicy",
    "-executionpolicy",
    "$env:",
    "[system.",
    "frombase64string(",
    "start-process",
    "get-childitem",
    "param(",
    "$psscriptroot",
    "-encodedcommand",
    "invoke-command",
    "downloadstring(",
    "iex ",
    "iex(",
    "out-file",
];
const VBSCRIPT: [&str; 14] = [
    "createobject(",
    "wscript.",
    "on error resume next",
    "end sub",
    "end function",
    "msgbox ",
    "dim ",
    "set ",
    "sub ",
    "function ",
    "option explicit",
    "getobject(",
    "executeglobal",
    "chr(",
];
const JAVASCRIPT: [&str; 18] = [
    "function(",
    "function (",
    "=> {",
    "var ",
    "const ",
    "let ",
    "document.write(",
    "window.location",
    "activexobject",
    "console.log(",
    "require(",
    "module.exports",
    "eval(",
    "new function(",
    "wscript.",
    "unescape(",
    "\"use strict\"",
    "fromcharcode(",
];
/// What JavaScript says besides, and other languages too.
const MODULES: [&str; 7] = [
    "object.defineproperty(",
    "exports.",
    "'use strict'",
    "return ",
    "this.",
    "=> ",
    "async ",
];
const BATCH: [&str; 12] = [
    "setlocal",
    "%~dp0",
    "goto ",
    "if exist ",
    "if not exist ",
    "echo off",
    "%comspec%",
    "errorlevel",
    "powershell ",
    "cmd /c",
    "del /",
    "start ",
];

/// The script a text is, if it is one. `extension` is the name's, lower case: it lowers the bar, never more.
pub(super) fn kind(text: &str, extension: Option<&str>) -> Option<FileType> {
    let start = text.trim_start();
    let first = start
        .lines()
        .next()
        .unwrap_or_default()
        .trim_end()
        .to_ascii_lowercase();
    if first == "<?" && start.lines().nth(1).is_some() {
        return Some(FileType::PhpScript);
    }
    if let Some(kind) = by_first_line(&first) {
        return Some(kind);
    }
    if start.starts_with('<') || start.starts_with('{') {
        return None;
    }
    let mut end = start.len().min(CAP);
    while !start.is_char_boundary(end) {
        end -= 1;
    }
    let text = start[..end].to_ascii_lowercase();
    let lines = code_lines(&text) && !is_about_code(&text);
    let rows: [(&[&str], &[&str], FileType, usize); 4] = [
        (&POWERSHELL, &["ps1", "psm1"], FileType::PowerShell, 2),
        (&VBSCRIPT, &["vbs", "vbe"], FileType::VbScript, 3),
        (&JAVASCRIPT, &["js", "mjs", "jse"], FileType::JavaScript, 3),
        (&BATCH, &["bat", "cmd"], FileType::BatchScript, 3),
    ];
    rows.into_iter().find_map(|(words, names, kind, least)| {
        let named = extension.is_some_and(|one| names.contains(&one));
        let enough = if named { 1 } else { least };
        (said(&text, words, enough) && (named || (lines && syntax(kind, &text)))).then_some(kind)
    })
}

/// JavaScript by less than a text must show: for letters in a place where no text about programs is expected either.
pub(super) fn out_of_place(letters: &str) -> Option<FileType> {
    let start = letters.trim_start();
    if start.starts_with(['<', '{', '[']) {
        return None;
    }
    let text = start.get(..CAP).unwrap_or(start).to_ascii_lowercase();
    let comment = |line: &&str| line.is_empty() || line.starts_with(['*', '/']);
    let lines = text.lines().map(str::trim).filter(|line| !comment(line));
    let (all, code) = lines.fold((0, 0), |(all, code), line| {
        let ends = line.ends_with([';', '{', '}', ')', '(', ']', ',']);
        (all + 1, code + usize::from(ends))
    });
    let words: Vec<&str> = JAVASCRIPT.into_iter().chain(MODULES).collect();
    let enough = said(&text, &JAVASCRIPT, 2) || said(&text, &words, 3);
    let statements = code * 3 >= all && text.contains('(') && text.contains(['=', '{']);
    (enough && statements).then_some(FileType::JavaScript)
}

fn by_first_line(first: &str) -> Option<FileType> {
    let starts = |all: &[&str]| all.iter().any(|start| first.starts_with(start));
    if starts(&["<?php"]) {
        Some(FileType::PhpScript)
    } else if starts(&[
        "@echo off",
        "@echo on",
        "@if ",
        "@setlocal",
        "@powershell",
        "@start ",
    ]) {
        Some(FileType::BatchScript)
    } else if starts(&[
        "windows registry editor version",
        "regedit4",
        "[internetshortcut]",
        "#@~^",
        "<package><job",
        "<job>",
        "<?xml version=\"1.0\"?><package",
        "<scriptlet>",
    ]) {
        Some(FileType::WindowsScript)
    } else if starts(&["#requires -", "powershell ", "powershell.exe "]) {
        Some(FileType::PowerShell)
    } else {
        None
    }
}

/// Whether at least so many of the words occur at a place where code has them: not after a letter.
fn said(text: &str, words: &[&str], least: usize) -> bool {
    let occurs = |word: &&&str| {
        text.match_indices(**word)
            .any(|(at, _)| !text[..at].ends_with(|c: char| c.is_alphanumeric()))
    };
    words.iter().filter(occurs).take(least).count() >= least
}

/// Whether lines end and begin as code does: most prose has no line that ends in a brace, bracket or semicolon.
fn code_lines(text: &str) -> bool {
    let (mut all, mut code) = (0, 0);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        all += 1;
        let ends = line.ends_with([';', '{', '}', ')', '(', ']']);
        let begins = [
            "dim ",
            "set ",
            "sub ",
            "end ",
            "if ",
            "$",
            "//",
            "'",
            "#",
            ":",
            "cmd ",
            "goto ",
            "start ",
            "del ",
            "powershell ",
            "on error",
            "else",
            "function ",
            "next",
            "loop",
            "wscript.",
        ]
        .iter()
        .any(|start| line.starts_with(start));
        code += usize::from(ends || begins);
    }
    all > 0 && code * 2 >= all
}

/// Whether the code is quoted between fences, as in Markdown: then it is a text about it.
fn is_about_code(text: &str) -> bool {
    text.starts_with("```") || text.contains("\n```")
}

/// What must stand somewhere besides the words.
fn syntax(kind: FileType, text: &str) -> bool {
    match kind {
        FileType::PowerShell => {
            text.contains('$') || text.contains('|') || text.contains("-object")
        }
        FileType::VbScript => {
            text.contains("createobject(")
                || text.contains("end sub")
                || text.contains("end function")
                || text.contains("wscript.")
        }
        FileType::BatchScript => text.contains('%') || text.contains("\n:") || text.contains(" /"),
        _ => {
            let lines = text
                .lines()
                .map(str::trim_end)
                .filter(|line| !line.is_empty());
            let (all, ended) = lines.fold((0, 0), |(all, ended), line| {
                let end = line.ends_with([';', '{', '}', ',']);
                (all + 1, ended + usize::from(end))
            });
            // Build files call functions line by line, and end none.
            let statements = all <= 3 || ended * 4 >= all;
            statements && text.contains('(') && text.contains(';') && text.contains(['=', '{'])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_out_of_place() {
        let rows = [
            (
                "const a = require('a')\nfunction b () {\n  return a\n}\n",
                true,
            ),
            ("var a=1;eval(unescape('%61'))", true),
            ("{\"nodes\": [\"function(\", \"var \"]}", false),
            ("<x:xmpmeta>var a = function() {};</x:xmpmeta>", false),
            (
                "Taken for the function (see below).\nWith a const of light.\nLet us eat (soon) = yes.",
                false,
            ),
            ("Adobe Photoshop CC 2019 (Windows)", false),
            (
                "'use strict'\n// Two of them\n// are here.\nexports.a = b => {\n  return c(b)\n}\n",
                true,
            ),
        ];
        for (text, expected) in rows {
            assert_eq!(out_of_place(text).is_some(), expected, "{text}");
        }
    }

    #[test]
    fn scripts_and_prose() {
        let rows = [
            ("<?php echo 1;", None, Some(FileType::PhpScript)),
            ("@ECHO OFF\r\ndir", None, Some(FileType::BatchScript)),
            (
                "Set o = CreateObject(\"WScript.Shell\")\r\no.Run \"calc\"\r\n",
                Some("vbs"),
                Some(FileType::VbScript),
            ),
            (
                "Dim o\nSet o = CreateObject(\"WScript.Shell\")\no.Run \"calc\"",
                Some("txt"),
                Some(FileType::VbScript),
            ),
            (
                "$c = New-Object Net.WebClient\nIEX $c.DownloadString('http://a')",
                None,
                Some(FileType::PowerShell),
            ),
            (
                "var s = new ActiveXObject('WScript.Shell');\ns.Run('calc');\n",
                None,
                Some(FileType::JavaScript),
            ),
            ("const a = 1;\n", Some("js"), Some(FileType::JavaScript)),
            (
                "# How to\n```js\nconst a = require('a');\na.b(() => {\n});\nconsole.log(a);\n```\n",
                Some("md"),
                None,
            ),
            (
                "[InternetShortcut]\r\nURL=file://a",
                None,
                Some(FileType::WindowsScript),
            ),
            ("REGEDIT4\r\n", None, Some(FileType::WindowsScript)),
            (
                "cmd /c powershell -enc A\r\ngoto end\r\n:end",
                None,
                Some(FileType::BatchScript),
            ),
            (
                "echo off\r\ngoto end",
                Some("bat"),
                Some(FileType::BatchScript),
            ),
            (
                "Dear team, let us set the function (see below) to var one; thank you.",
                None,
                None,
            ),
            (
                "Start the set of tasks. Dim the lights. Sub one for two.",
                None,
                None,
            ),
            (
                "Please document. Then close the window. Let me know (soon);",
                None,
                None,
            ),
            (
                "set(A 1)\nfunction(b)\n  set(C \"a;b\")\n  let (x)\nendfunction()\nset(D = 2)\nrequire(b)\nvar (y)\n",
                Some("txt"),
                None,
            ),
            ("", None, None),
        ];
        for (text, extension, expected) in rows {
            assert_eq!(kind(text, extension), expected, "{text}");
        }
    }
}
