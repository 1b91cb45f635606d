//! What a fault makes of an answer, wherever it strikes: its headers, the way its length is told, where it leads, whether it comes.

use http::{HeaderName, StatusCode, header::AGE};

use crate::{
    faults::{Fault, Faults},
    wire::{Answer, Framing, Request},
};

/// Where machines of the large clouds find their credentials.
const METADATA: &str = "http://169.254.169.254/latest/meta-data/iam/security-credentials/";

/// How many header lines a flood has.
const FLOOD: usize = 10_000;

/// A length that no file has: ten terabytes.
const HUGE: u64 = 10_000_000_000_000;

/// The answer as the fault lets it out; faults of the bytes themselves and refusals are not looked at here.
pub(crate) fn marred(answer: Answer, fault: Option<Fault>, faults: &Faults) -> Answer {
    let length = answer.body.len() as u64;
    let framing = match fault {
        Some(Fault::LostAnswer) => return answer.lost(),
        Some(Fault::SlowHeaders) => Framing::SlowHeaders(faults.trickle_rate()),
        Some(Fault::HeaderFlood) => Framing::MoreHeaders(FLOOD),
        Some(Fault::EndlessHeader) => Framing::EndlessHeader,
        Some(Fault::LengthPlusOne) => Framing::Lengths(vec![length + 1]),
        Some(Fault::LengthMinusOne) => Framing::Lengths(vec![length.saturating_sub(1)]),
        Some(Fault::LengthZero) => Framing::Lengths(vec![0]),
        Some(Fault::LengthHuge) => Framing::Lengths(vec![HUGE]),
        Some(Fault::LengthMissing) => Framing::Lengths(vec![]),
        Some(Fault::LengthTwice) => Framing::Lengths(vec![length, length + 1]),
        Some(Fault::Chunked) => Framing::Chunked,
        _ => return answer,
    };
    answer.framed(framing)
}

/// The refusal that an edge cache keeps for everybody (`S0-76`): it says that it is one, and how old.
pub(crate) fn cached_429() -> Answer {
    Answer::new(StatusCode::TOO_MANY_REQUESTS, "text/html", "")
        .with(AGE, "35")
        .with(HeaderName::from_static("x-cache"), "Error from cloudfront")
        .with(HeaderName::from_static("x-amz-cf-pop"), "FRA60-P1")
}

/// The redirect that a fault answers with; `elsewhere` is the base of the host that is nobody's.
pub(crate) fn redirect(fault: Fault, request: &Request, elsewhere: &str) -> Option<Answer> {
    let to = match fault {
        Fault::RedirectOffHost => format!("{elsewhere}{}", request.target),
        Fault::RedirectLoop => {
            let host = request.header("host").unwrap_or_default();
            format!("http://{host}{}", request.target)
        }
        Fault::RedirectToMetadata => METADATA.to_owned(),
        _ => return None,
    };
    Some(Answer::redirect(&to))
}
