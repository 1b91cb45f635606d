//! Names that run: extensions whose files start something on a double click or by an interpreter.

/// Programs, installers and bytecode.
const PROGRAMS: [&str; 17] = [
    "exe", "dll", "scr", "pif", "cpl", "msi", "msp", "jar", "apk", "lnk", "sys", "ocx", "gadget",
    "appx", "msix", "xll", "deb",
];
/// Text that an interpreter runs.
const SCRIPTS: [&str; 37] = [
    "bat",
    "cmd",
    "ps1",
    "psm1",
    "vbs",
    "vbe",
    "js",
    "jse",
    "mjs",
    "wsf",
    "wsh",
    "wsc",
    "sct",
    "hta",
    "sh",
    "bash",
    "zsh",
    "command",
    "py",
    "pyw",
    "pl",
    "rb",
    "php",
    "phtml",
    "jsp",
    "asp",
    "aspx",
    "scpt",
    "applescript",
    "reg",
    "inf",
    "scf",
    "url",
    "desktop",
    "settingcontent",
    "chm",
    "iqy",
];

/// The extension of a name, if its files are programs or scripts. Trailing dots and spaces are dropped, as Windows does.
pub(super) fn extension(name: &str) -> Option<&'static str> {
    let name = name.trim_end_matches(['.', ' ', '\t', '\0']);
    let (_, last) = name.rsplit_once('.')?;
    PROGRAMS
        .iter()
        .chain(&SCRIPTS)
        .find(|known| known.eq_ignore_ascii_case(last))
        .copied()
}

/// Whether text under this extension (lower case, no dot) runs.
pub(super) fn is_script(extension: &str) -> bool {
    SCRIPTS.contains(&extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions() {
        let rows = [
            ("setup.EXE", Some("exe")),
            ("invoice.pdf.js", Some("js")),
            ("a.scr. ", Some("scr")),
            ("exe", None),
            ("www.example.com", None),
            ("notes.txt", None),
            ("", None),
        ];
        for (name, expected) in rows {
            assert_eq!(extension(name), expected, "{name}");
        }
        assert!(is_script("ps1") && !is_script("exe"));
    }
}
