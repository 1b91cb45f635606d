//! The owner's egress list: which addresses the firewall lets out to (`S0-26`).

use std::net::IpAddr;
use std::path::Path;

use anyhow::{Context, Result};

/// Addresses and blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct List(Vec<(IpAddr, u8)>);

impl List {
    /// Reads a file: one address or block a line, `#` begins a comment.
    ///
    /// # Errors
    /// Names the line that is neither.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let mut blocks = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            let block = block(line).with_context(|| {
                let (path, number) = (path.display(), number + 1);
                format!("{path}:{number}: {line:?}; expected an address or a block such as \"10.0.0.0/8\"")
            })?;
            blocks.push(block);
        }
        Ok(Self(blocks))
    }

    /// Whether an address is on it.
    pub(super) fn has(&self, address: IpAddr) -> bool {
        self.0.iter().any(|(block, bits)| {
            let (a, b, width) = match (block, address) {
                (IpAddr::V4(a), IpAddr::V4(b)) => (u32::from(*a).into(), u32::from(b).into(), 32),
                (IpAddr::V6(a), IpAddr::V6(b)) => (u128::from(*a), u128::from(b), 128),
                _ => return false,
            };
            // All bits but the first `bits` are shifted out; shifting by all of them leaves nothing to differ.
            let rest = u32::from(width - bits);
            a.checked_shr(rest).unwrap_or(0) == b.checked_shr(rest).unwrap_or(0)
        })
    }
}

fn block(line: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = match line.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
        None => (line, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let width = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or(width);
    (bits <= width).then_some((address, bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_in_their_blocks() {
        for (line, address, expected) in [
            ("10.0.0.0/8", "10.200.3.4", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("157.240.1.35", "157.240.1.35", true),
            ("157.240.1.35", "157.240.1.36", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("::/0", "2001:db8::1", true),
            ("203.0.113.0/31", "203.0.113.1", true),
        ] {
            let list = List(vec![block(line).unwrap()]);
            assert_eq!(
                list.has(address.parse().unwrap()),
                expected,
                "{line} {address}"
            );
        }
        for line in ["10.0.0.0/33", "host.example", "10.0.0.0/", "::/129"] {
            assert_eq!(block(line), None, "{line}");
        }
    }

    #[test]
    fn a_wrong_line_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "10.0.0.0/8 # ours\n\nedge.example\n").unwrap();
        let told = format!("{:#}", List::read(file.path()).unwrap_err());
        assert!(told.contains(":3: \"edge.example\"; expected"), "{told}");
    }
}
