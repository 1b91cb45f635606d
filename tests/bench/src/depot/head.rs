//! The head of a request, read from a blocking connection.

use std::io::{self, BufRead};

/// A request without its body.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// The method.
    pub(super) method: String,
    /// The path with its query.
    pub(super) target: String,
    headers: Vec<(String, String)>,
}

impl Head {
    /// The next request of a connection; `None` if there is none any more.
    pub(super) fn read(stream: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let mut words = line.split(' ');
        let mut word = || words.next().unwrap_or_default().to_owned();
        let mut head = Self {
            method: word(),
            target: word(),
            headers: Vec::new(),
        };
        loop {
            line.clear();
            stream.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else {
                return Ok(Some(head));
            };
            let header = (name.to_ascii_lowercase(), value.trim().to_owned());
            head.headers.push(header);
        }
    }

    /// The value of a header; `name` in lower case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The body's length on the wire; 0 where the request names none.
    pub(super) fn content_length(&self) -> u64 {
        let value = self.header("content-length");
        value.and_then(|text| text.parse().ok()).unwrap_or_default()
    }

    /// The value of a parameter of the query; empty for one without a value.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let (_, query) = self.target.split_once('?')?;
        query.split('&').find_map(|pair| {
            let (known, value) = pair.split_once('=').unwrap_or((pair, ""));
            (known == name).then_some(value)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_one_after_the_other() {
        let mut stream: &[u8] = b"PUT /b/k?partNumber=2&uploads HTTP/1.1\r\nContent-Length: 12\r\nx-amz-checksum-sha256:  ab=\r\n\r\nGET / HTTP/1.1\r\n\r\n";
        let head = Head::read(&mut stream).unwrap().unwrap();
        assert_eq!((head.method.as_str(), head.content_length()), ("PUT", 12));
        assert_eq!(head.header("x-amz-checksum-sha256"), Some("ab="));
        for (name, expected) in [
            ("partNumber", Some("2")),
            ("uploads", Some("")),
            ("part", None),
        ] {
            assert_eq!(head.parameter(name), expected, "{name}");
        }
        let next = Head::read(&mut stream).unwrap().unwrap();
        assert_eq!((next.method.as_str(), next.content_length()), ("GET", 0));
        assert_eq!(Head::read(&mut stream).unwrap(), None);
    }
}
