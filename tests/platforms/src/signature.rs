//! How the platforms sign their webhooks: the same header, the same digest, two encodings.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The header both platforms use.
pub const HEADER: &str = "X-Hub-Signature-256";

/// Meta's value of [`HEADER`]: `sha256=` and the lower-case hex HMAC-SHA256 of the body's bytes under the app secret.
#[must_use]
pub fn meta(app_secret: &str, body: &[u8]) -> String {
    let digest = digest(app_secret, body);
    format!("sha256={}", data_encoding::HEXLOWER.encode(&digest))
}

/// Genesys' value of [`HEADER`]: `sha256=` and the same digest under the integration's secret token, in base64.
#[must_use]
pub fn genesys(secret_token: &str, body: &[u8]) -> String {
    let digest = digest(secret_token, body);
    format!("sha256={}", data_encoding::BASE64.encode(&digest))
}

fn digest(secret: &str, body: &[u8]) -> Vec<u8> {
    // HMAC takes keys of every length; the error type exists for other MACs.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return Vec::new();
    };
    mac.update(body);
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
        let found = value.pointer(pointer).and_then(Value::as_str);
        found.expect("the vector has it")
    }

    #[test]
    fn metas_published_vectors_reproduce() {
        let file = include_str!("../examples/whatsapp/signature-vector.json");
        let file: Value = serde_json::from_str(file).expect("JSON");
        let vectors = file["vectors"].as_array().expect("vectors");
        assert_eq!(vectors.len(), 2);
        for vector in vectors {
            let signed = meta(text(&file, "/secret"), text(vector, "/body").as_bytes());
            assert_eq!(signed, text(vector, "/header/X-Hub-Signature-256"));
        }
    }

    #[test]
    fn genesys_published_vector_reproduces() {
        let file = include_str!("../examples/genesys/signature-vector.json");
        let file: Value = serde_json::from_str(file).expect("JSON");
        let signed = genesys(text(&file, "/secret"), text(&file, "/body").as_bytes());
        assert_eq!(signed, text(&file, "/header/X-Hub-Signature-256"));
    }
}
