//! XFA forms: XML of its own inside a PDF, with scripts, and buttons that send (XFA 3.3, parts 1 §14 and 2 §17).

use super::form_script;
use crate::findings::HazardKind;
use crate::seen::Seen;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// What a person does to make an event happen. Everything else happens by itself.
const BY_HAND: [&str; 3] = ["click", "mouseDown", "mouseUp"];
/// Words by which a calculation reaches beyond the form: FormCalc has no others.
const REACHING: [&str; 6] = ["get(", "post(", "put(", "eval(", "host", "exec"];

/// Adds what a form's XML runs and sends.
pub(super) fn flag(xml: &str, seen: &mut Seen) {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = false;
    let (mut script, mut by_hand) = (None::<(bool, String)>, true);
    loop {
        match reader.read_event() {
            Ok(Event::Start(element)) if is(&element, "script") => {
                let kind = attribute(&element, "contentType");
                script = Some((
                    kind.to_ascii_lowercase().contains("javascript"),
                    String::new(),
                ));
            }
            Ok(Event::Start(element) | Event::Empty(element)) => {
                if is(&element, "event") {
                    by_hand = BY_HAND.contains(&attribute(&element, "activity").as_str());
                } else if is(&element, "submit") && by_hand {
                    seen.add_hazard(HazardKind::PdfFormSubmit, "a button that sends the form");
                } else if is(&element, "submit") || is(&element, "execute") {
                    let sends = "a form that sends or asks by itself";
                    seen.add_hazard(HazardKind::PdfAction, sends);
                }
            }
            Ok(Event::Text(text)) => {
                if let Some((_, code)) = &mut script {
                    let plain = text.decode().unwrap_or_default();
                    code.push_str(&plain);
                }
            }
            Ok(Event::CData(text)) => {
                if let Some((_, code)) = &mut script {
                    code.push_str(&text.decode().unwrap_or_default());
                }
            }
            Ok(Event::GeneralRef(name)) => {
                if let Some((_, code)) = &mut script {
                    code.push_str(&resolved(&name.decode().unwrap_or_default()));
                }
            }
            Ok(Event::End(element)) if element.local_name().as_ref() == b"script" => {
                if let Some((is_javascript, code)) = script.take() {
                    judge(is_javascript, &code, seen);
                }
            }
            Ok(Event::Eof) => break,
            Ok(_) => {}
            Err(_) => {
                let broken = "an XFA form that cannot be read";
                seen.add_hazard(HazardKind::BeyondLimits, broken);
                break;
            }
        }
    }
    if script.is_some() {
        seen.add_hazard(HazardKind::PdfJavascript, "a script of an XFA form");
    }
}

fn judge(is_javascript: bool, code: &str, seen: &mut Seen) {
    let lower = code.to_ascii_lowercase();
    if is_javascript && !form_script::is_harmless(code)
        || !is_javascript && REACHING.iter().any(|word| lower.contains(word))
    {
        seen.add_hazard(HazardKind::PdfJavascript, "a script of an XFA form");
    } else if !code.trim().is_empty() {
        seen.add_hazard(HazardKind::PdfFormScript, "a calculation of an XFA form");
    }
}

fn is(element: &BytesStart<'_>, name: &str) -> bool {
    element.local_name().as_ref() == name.as_bytes()
}

fn attribute(element: &BytesStart<'_>, name: &str) -> String {
    let found = element
        .attributes()
        .with_checks(false)
        .flatten()
        .find(|one| one.key.local_name().as_ref() == name.as_bytes());
    found.map_or_else(String::new, |one| {
        one.normalized_value(XmlVersion::Implicit1_0)
            .map(|value| value.trim().to_owned())
            .unwrap_or_default()
    })
}

/// What a reference stands for; itself where it is none of XML's own.
fn resolved(name: &str) -> String {
    let reference = format!("&{name};");
    match quick_xml::escape::unescape(&reference) {
        Ok(plain) => plain.into_owned(),
        Err(_) => reference,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::FileType;

    #[test]
    fn forms() {
        use HazardKind::{BeyondLimits, PdfAction, PdfFormScript, PdfFormSubmit, PdfJavascript};
        let event = |activity: &str, inside: &str| {
            format!(
                "<x:template xmlns:x='urn:x'><x:event activity='{activity}'>{inside}</x:event></x:template>"
            )
        };
        let script = |kind: &str, code: &str| {
            event(
                "click",
                &format!("<script contentType='application/x-{kind}'>{code}</script>"),
            )
        };
        let rows = [
            ("<template><subform name='a'/></template>".to_owned(), None),
            (
                script("javascript", "xfa.host.gotoURL(\"http://a\")"),
                Some(PdfJavascript),
            ),
            (
                script("javascript", "<![CDATA[app.alert(1)]]>"),
                Some(PdfJavascript),
            ),
            (
                script("javascript", "&#97;pp.alert(1)"),
                Some(PdfJavascript),
            ),
            (
                script("javascript", "event.value = 1 &lt; 2;"),
                Some(PdfFormScript),
            ),
            (script("formcalc", "Sum(a, b) * 1.19"), Some(PdfFormScript)),
            (
                event("click", "<script>Post(\"http://a\", \"b\")</script>"),
                Some(PdfJavascript),
            ),
            (
                event("click", "<submit target='http://a'/>"),
                Some(PdfFormSubmit),
            ),
            (
                event("docReady", "<submit target='http://a'/>"),
                Some(PdfAction),
            ),
            (script("javascript", ""), None),
            ("<template><script>x".to_owned(), Some(PdfJavascript)),
            ("<template a=<".to_owned(), Some(BeyondLimits)),
        ];
        for (xml, expected) in rows {
            let mut seen = Seen::certain(FileType::Pdf);
            flag(&xml, &mut seen);
            assert_eq!(seen.hazards.first().map(|one| one.kind), expected, "{xml}");
        }
    }
}
