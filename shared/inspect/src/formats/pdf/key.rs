//! The key of a document that is locked but opens for everybody: one with an empty user password, which only asks
//! programs not to print or copy. Every reader opens it, so its strings and streams are read here as well.
//!
//! Source: ISO 32000-2 §7.6 (algorithms 1, 2, 2.A, 2.B, 4 to 6 and 11). A key is only taken once the document's own
//! check of it agrees.

use super::form_script::bytes_of;
use super::value::Value;
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use md5::Md5;
use sha2::{Digest, Sha256, Sha384, Sha512};

/// What passwords are filled up with.
const PAD: [u8; 32] = *b"\x28\xBF\x4E\x5E\x4E\x75\x8A\x41\x64\x00\x4E\x56\xFF\xFA\x01\x08\
    \x2E\x2E\x00\xB6\xD0\x68\x3E\x80\x2F\x0C\xA9\xFE\x64\x53\x69\x7A";
/// Bytes of a block of AES.
const BLOCK: usize = 16;

/// An object's number and generation, which its key is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id {
    pub(super) number: u32,
    pub(super) generation: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Plain,
    Rc4,
    /// With a key for each object.
    Aes128,
    /// With the document's key.
    Aes256,
}

/// A key that opens a document, and what it is used with.
pub(super) struct Key {
    file: Vec<u8>,
    strings: Method,
    streams: Method,
}

impl Key {
    /// The key for an empty user password; `None` where that does not open it, or the dictionary is none we know.
    pub(super) fn of(encrypt: &Value<'_>, id: &[u8]) -> Option<Self> {
        if !encrypt.is(b"Filter", b"Standard") {
            return None;
        }
        let version = encrypt.get(b"V").and_then(Value::whole)?;
        let revision = encrypt.get(b"R").and_then(Value::whole)?;
        let (strings, streams) = methods(encrypt, version)?;
        let file = match revision {
            2..=4 => elder(encrypt, id, version, revision)?,
            5 | 6 => recent(encrypt, revision)?,
            _ => return None,
        };
        Some(Self {
            file,
            strings,
            streams,
        })
    }

    /// The bytes of a string that stands in this object.
    pub(super) fn string(&self, id: Id, locked: &[u8]) -> Vec<u8> {
        self.open(self.strings, id, locked)
    }

    /// The bytes of this object's stream.
    pub(super) fn stream(&self, id: Id, locked: &[u8]) -> Vec<u8> {
        self.open(self.streams, id, locked)
    }

    fn open(&self, method: Method, id: Id, locked: &[u8]) -> Vec<u8> {
        match method {
            Method::Plain => locked.to_vec(),
            Method::Rc4 => rc4(&self.for_object(id, b""), locked),
            Method::Aes128 => {
                let key: Option<[u8; 16]> = self.for_object(id, b"sAlT").try_into().ok();
                let Some(key) = key else {
                    return Vec::new();
                };
                unpadded(locked, |blocks, start| {
                    cbc_open(&aes::Aes128::new(&key.into()), start, blocks)
                })
            }
            Method::Aes256 => {
                let key: Option<[u8; 32]> = self.file.as_slice().try_into().ok();
                let Some(key) = key else {
                    return Vec::new();
                };
                unpadded(locked, |blocks, start| {
                    cbc_open(&aes::Aes256::new(&key.into()), start, blocks)
                })
            }
        }
    }

    /// The key of one object (algorithm 1).
    fn for_object(&self, id: Id, salt: &[u8]) -> Vec<u8> {
        let digest = Md5::new()
            .chain_update(&self.file)
            .chain_update(&id.number.to_le_bytes()[..3])
            .chain_update(id.generation.to_le_bytes())
            .chain_update(salt)
            .finalize();
        digest[..(self.file.len() + 5).min(16)].to_vec()
    }
}

/// How strings and how streams are locked. Attached files that are locked in another way than the rest are not read.
fn methods(encrypt: &Value<'_>, version: u64) -> Option<(Method, Method)> {
    if matches!(version, 1 | 2) {
        return Some((Method::Rc4, Method::Rc4));
    }
    if !matches!(version, 4 | 5) {
        return None;
    }
    let named = |key: &[u8]| match encrypt.get(key) {
        Some(Value::Name(name)) => Some(name.as_ref()),
        _ => None,
    };
    let method = |name: &[u8]| {
        if name == b"Identity" {
            return Some(Method::Plain);
        }
        let filter = encrypt.get(b"CF")?.get(name)?;
        [
            (&b"None"[..], Method::Plain),
            (b"V2", Method::Rc4),
            (b"AESV2", Method::Aes128),
            (b"AESV3", Method::Aes256),
        ]
        .into_iter()
        .find(|(name, _)| filter.is(b"CFM", name))
        .map(|(_, method)| method)
    };
    let streams = named(b"StmF").unwrap_or(b"Identity");
    let strings = named(b"StrF").unwrap_or(b"Identity");
    if named(b"EFF").is_some_and(|files| files != streams) {
        return None;
    }
    Some((method(strings)?, method(streams)?))
}

fn string(encrypt: &Value<'_>, key: &[u8]) -> Option<Vec<u8>> {
    match encrypt.get(key) {
        Some(Value::Text(raw)) => Some(bytes_of(raw)),
        _ => None,
    }
}

/// Revisions 2 to 4 (algorithms 2, 4 and 5).
fn elder(encrypt: &Value<'_>, id: &[u8], version: u64, revision: u64) -> Option<Vec<u8>> {
    let (owner, user) = (string(encrypt, b"O")?, string(encrypt, b"U")?);
    let Some(Value::Whole(permissions)) = encrypt.get(b"P") else {
        return None;
    };
    let bits = match version {
        1 => 40,
        4 => 128,
        _ => encrypt.get(b"Length").and_then(Value::whole).unwrap_or(40),
    };
    let length = usize::try_from(bits / 8).ok()?;
    if !(5..=16).contains(&length) {
        return None;
    }
    let bare = revision >= 4 && encrypt.get(b"EncryptMetadata") == Some(&Value::Truth(false));
    let mut digest = Md5::new()
        .chain_update(PAD)
        .chain_update(owner.get(..32)?)
        // Written with a sign or without.
        .chain_update((*permissions as u32).to_le_bytes())
        .chain_update(id)
        .chain_update(if bare { &[0xFF; 4][..] } else { &[] })
        .finalize();
    if revision >= 3 {
        for _ in 0..50 {
            digest = Md5::digest(&digest[..length]);
        }
    }
    let key = digest[..length].to_vec();
    let check = if revision == 2 {
        rc4(&key, &PAD)
    } else {
        let first = Md5::new().chain_update(PAD).chain_update(id).finalize();
        (0..20_u8).fold(first.to_vec(), |bytes, round| {
            let turned: Vec<u8> = key.iter().map(|byte| byte ^ round).collect();
            rc4(&turned, &bytes)
        })
    };
    user.starts_with(&check).then_some(key)
}

/// Revisions 5 and 6 (algorithms 2.A and 11).
fn recent(encrypt: &Value<'_>, revision: u64) -> Option<Vec<u8>> {
    let (user, locked) = (string(encrypt, b"U")?, string(encrypt, b"UE")?);
    let hash = |salt: &[u8]| {
        let first: [u8; 32] = Sha256::digest(salt).into();
        if revision == 5 {
            first
        } else {
            hardened(first)
        }
    };
    if hash(user.get(32..40)?) != user[..32] {
        return None;
    }
    let between = hash(user.get(40..48)?);
    let cipher = aes::Aes256::new(&between.into());
    Some(cbc_open(&cipher, [0; BLOCK], locked.get(..32)?))
}

/// The hash of revision 6 for an empty password (algorithm 2.B).
fn hardened(first: [u8; 32]) -> [u8; 32] {
    let mut key = first.to_vec();
    for round in 1.. {
        let (mut cipher_key, mut chain) = ([0; 16], [0; BLOCK]);
        cipher_key.copy_from_slice(&key[..16]);
        chain.copy_from_slice(&key[16..32]);
        let cipher = aes::Aes128::new(&cipher_key.into());
        let locked = cbc_lock(&cipher, chain, &key.repeat(64));
        let rest: u32 = locked[..16].iter().map(|&byte| u32::from(byte)).sum();
        key = match rest % 3 {
            0 => Sha256::digest(&locked).to_vec(),
            1 => Sha384::digest(&locked).to_vec(),
            _ => Sha512::digest(&locked).to_vec(),
        };
        let last = locked.last().copied().map_or(0, u32::from);
        if round >= 64 && last + 32 <= round {
            break;
        }
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(&key[..32]);
    hash
}

fn rc4(key: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut state: [u8; 256] = std::array::from_fn(|at| at as u8);
    let mut other = 0_u8;
    for at in 0..256 {
        other = other
            .wrapping_add(state[at])
            .wrapping_add(key[at % key.len()]);
        state.swap(at, usize::from(other));
    }
    let (mut at, mut other) = (0_u8, 0_u8);
    bytes
        .iter()
        .map(|byte| {
            at = at.wrapping_add(1);
            other = other.wrapping_add(state[usize::from(at)]);
            state.swap(usize::from(at), usize::from(other));
            let sum = state[usize::from(at)].wrapping_add(state[usize::from(other)]);
            byte ^ state[usize::from(sum)]
        })
        .collect()
}

/// Opens what begins with its initialisation vector, and takes the padding off where it is one.
fn unpadded(locked: &[u8], open: impl Fn(&[u8], [u8; BLOCK]) -> Vec<u8>) -> Vec<u8> {
    let Some((vector, blocks)) = locked.split_first_chunk::<BLOCK>() else {
        return Vec::new();
    };
    let mut plain = open(blocks, *vector);
    let padding = plain.last().copied().map_or(0, usize::from);
    if blocks.len().is_multiple_of(BLOCK) && (1..=BLOCK).contains(&padding) {
        plain.truncate(plain.len().saturating_sub(padding));
    }
    plain
}

/// Opens whole blocks; bytes after the last one are left out.
fn cbc_open(
    cipher: &impl BlockCipherDecrypt<BlockSize = aes::cipher::consts::U16>,
    mut chain: [u8; BLOCK],
    bytes: &[u8],
) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    for locked in bytes.as_chunks::<BLOCK>().0 {
        let mut block = (*locked).into();
        cipher.decrypt_block(&mut block);
        plain.extend(block.iter().zip(chain).map(|(byte, before)| byte ^ before));
        chain = *locked;
    }
    plain
}

fn cbc_lock(
    cipher: &impl BlockCipherEncrypt<BlockSize = aes::cipher::consts::U16>,
    mut chain: [u8; BLOCK],
    bytes: &[u8],
) -> Vec<u8> {
    let mut locked = Vec::with_capacity(bytes.len());
    for plain in bytes.as_chunks::<BLOCK>().0 {
        let mixed: [u8; BLOCK] = std::array::from_fn(|at| plain[at] ^ chain[at]);
        let mut block = mixed.into();
        cipher.encrypt_block(&mut block);
        chain = block.into();
        locked.extend(chain);
    }
    locked
}

#[cfg(test)]
mod tests {
    use super::super::lexer::Lexer;
    use super::*;

    const FIRST_ID: &[u8] = b"31415926535897932384626433832795";
    const RC4: &str =
        "/P -1028 /O <77b8fb098022d3ab34237ea5643c08710ea5123fc5f88bf993a68cca5f12b40f>";

    /// Dictionaries that qpdf wrote for an empty user password, and how it locked a string in object 2.
    fn rows() -> [(&'static str, String, &'static str); 6] {
        let filter = |method: &str| {
            format!("/V 4 /R 4 /Length 128 /StmF /A /StrF /A /CF << /A << /CFM /{method} >> >>")
        };
        [
            (
                "40 bits of RC4",
                "/V 1 /R 2 /Length 40 /P -12 /O <d8a81f2f756b03f0e776376607dc67c098531ac3e51f6e5cf0fc1473b1ce0975> \
                 /U <5fcef3dc7b5c6f0be57878ae43f171252ad7c082c319c0fe00dd79061e924a64>".into(),
                "55cba3104520a1de650301f8",
            ),
            (
                "128 bits of RC4",
                format!("/V 2 /R 3 /Length 128 {RC4} /U <b86c3cdbd0250895cc0ab7085c01e8dd0021446990b9e4114071a4d9104984c1>"),
                "8be576304128084e968c9f1b",
            ),
            (
                "RC4 by a filter, metadata open",
                format!("{} {RC4} /EncryptMetadata false /U <2fd0d20dff43db370a09972f1c9995310021446990b9e4114071a4d9104984c1>", filter("V2")),
                "ed2d1acd3e7323a8c2dfae21",
            ),
            (
                "128 bits of AES",
                format!("{} {RC4} /U <b86c3cdbd0250895cc0ab7085c01e8dd0021446990b9e4114071a4d9104984c1>", filter("AESV2")),
                "f808bc3f3a8be3cc14acb980acded3c24957c01548fd9484420d1c07298cfb79",
            ),
            (
                "256 bits of AES, as first published",
                "/V 5 /R 5 /StmF /A /StrF /A /CF << /A << /CFM /AESV3 >> >> \
                 /U <c56c11f31062aa414a623f39c768630ae2e08ce2bcafbd9cb9a2159298db90e1a7e8c90bfffb7229dcb6820697741273> \
                 /UE <ba13bb7d429fc35de8b82dd2951fc6e0736fbfafae7d91e933f9aa0e79c48df4>".into(),
                "a9c5144c41ea231a159b45da6053bfad4520cd5eefb2b4371c435465bb989c72",
            ),
            (
                "256 bits of AES",
                "/V 5 /R 6 /StmF /A /StrF /A /CF << /A << /CFM /AESV3 >> >> \
                 /U <8e9a94807a754437afde9052c299bc61909dcdd3268409c16263794950954ec745c51019f9cecca3e5275caf2ddce0a8> \
                 /UE <ad74e3dd33fc0b77119c49a17e4889159264bae2d092bddb76672a5b22955457>".into(),
                "cf3fa5d12694e9fc6c340758598ba79d5692259fface139e6a457dd4f32fd173",
            ),
        ]
    }

    #[test]
    fn what_opens_for_everybody_is_opened() {
        let object = Id {
            number: 2,
            generation: 0,
        };
        for (name, dictionary, locked) in rows() {
            let dictionary = format!("<< /Filter /Standard {dictionary} >>");
            let value = Lexer::new(dictionary.as_bytes(), 0).value().unwrap();
            let key = Key::of(&value, &bytes_of(FIRST_ID)).unwrap();
            let locked = bytes_of(locked.as_bytes());
            assert_eq!(key.string(object, &locked), b"Hello, world", "{name}");
            assert_eq!(key.stream(object, &locked), b"Hello, world", "{name}");
        }
    }

    #[test]
    fn what_does_not_is_left_alone() {
        let (_, good, _) = &rows()[3];
        let rows = [
            ("another check", good.replace("/U <b8", "/U <b9")),
            (
                "another handler",
                good.replace("/V 4", "/Filter /Other /V 4"),
            ),
            ("another version", good.replace("/V 4", "/V 3")),
            ("another revision", good.replace("/R 4", "/R 7")),
            ("files locked otherwise", format!("{good} /EFF /B")),
            ("no such filter", good.replace("/StmF /A", "/StmF /B")),
            ("short", "/V 5 /R 6 /U <00> /UE <00>".into()),
        ];
        for (name, dictionary) in rows {
            let dictionary = format!("<< /Filter /Standard {dictionary} >>");
            let value = Lexer::new(dictionary.as_bytes(), 0).value().unwrap();
            assert!(Key::of(&value, &bytes_of(FIRST_ID)).is_none(), "{name}");
        }
    }
}
