//! Objects as values, and which of them are worth reading.

use std::borrow::Cow;

/// A value. Strings are kept as written; numbers only where they are whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Name(Cow<'a, [u8]>),
    Text(&'a [u8]),
    Whole(i64),
    Truth(bool),
    Reference(u32),
    List(Vec<Value<'a>>),
    Dictionary(Vec<(Cow<'a, [u8]>, Value<'a>)>),
    Other,
}

impl Value<'_> {
    /// The value of a key in a dictionary; the last one where it is repeated, as readers have it.
    pub(super) fn get(&self, key: &[u8]) -> Option<&Self> {
        let Self::Dictionary(pairs) = self else {
            return None;
        };
        pairs
            .iter()
            .rev()
            .find(|(one, _)| one.as_ref() == key)
            .map(|(_, value)| value)
    }

    /// Whether the value of a key is this name.
    pub(super) fn is(&self, key: &[u8], name: &[u8]) -> bool {
        matches!(self.get(key), Some(Self::Name(one)) if one.as_ref() == name)
    }

    pub(super) fn whole(&self) -> Option<u64> {
        match self {
            Self::Whole(number) => u64::try_from(*number).ok(),
            _ => None,
        }
    }
}

/// Names that make a value worth reading; escaped ones always do. All others are only stepped over.
pub(super) fn is_telling(name: &[u8]) -> bool {
    matches!(
        name,
        b"JS"
            | b"JavaScript"
            | b"Launch"
            | b"EF"
            | b"EmbeddedFile"
            | b"XFA"
            | b"RichMedia"
            | b"RichMediaExecute"
            | b"3D"
            | b"Movie"
            | b"Sound"
            | b"Rendition"
            | b"SubmitForm"
            | b"ImportData"
            | b"GoToE"
            | b"GoToR"
            | b"URI"
            | b"OpenAction"
            | b"AA"
            | b"Encrypt"
            | b"Image"
    ) || name.contains(&b'#')
}
