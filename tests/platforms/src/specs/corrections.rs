//! Where Meta's published schema contradicts Meta's published examples and pages: what is changed, and why.
//!
//! The file under `specs/` stays as published. Each correction here answers one contradiction; without it either no message at all
//! or the examples themselves would be refused. The Genesys file needs none.

use serde_json::{Map, Value, json};

use super::convert::each_child;

const SCHEMAS: &str = "#/components/schemas/";
/// The discriminator of inbound messages points at the outbound shapes of these types; the inbound shapes carry `_1` in their names.
const COLLIDING: [&str; 5] = ["image", "audio", "video", "document", "sticker"];

/// Corrects Meta's OpenAPI document in place.
pub(super) fn meta(spec: &mut Value) {
    if let Some(schemas) = spec
        .pointer_mut("/components/schemas")
        .and_then(Value::as_object_mut)
    {
        open_composed(schemas);
        own_examples(schemas);
        templates(schemas);
        mark_read(schemas);
        inbound_messages(schemas);
        optional_filename(schemas);
        change_with_errors_only(schemas);
    }
    file_size_of_either_type(spec);
}

/// Outbound messages are composed by `allOf`, and each part forbids all properties but its own: nothing could ever
/// satisfy that. The parts lose the prohibition, objects inside them keep it.
fn open_composed(schemas: &mut Map<String, Value>) {
    fn open(schema: &mut Value) {
        let Some(object) = schema.as_object_mut() else {
            return;
        };
        let parts = object.get_mut("allOf").and_then(Value::as_array_mut);
        for part in parts.into_iter().flatten().filter_map(Value::as_object_mut) {
            part.remove("additionalProperties");
        }
        each_child(object, &mut open);
    }
    schemas.values_mut().for_each(open);
}

/// Places where a schema refuses its own published example: coordinates are numbers, a shared phone is `MOBILE`. System messages had one
/// kind more on older reference pages (`customer_identity_changed`, with the hash of the new identity; general knowledge).
fn own_examples(schemas: &mut Map<String, Value>) {
    let mut all = Value::Object(std::mem::take(schemas));
    let mut set = |pointer: &str, schema: Value| {
        if let Some(place) = all.pointer_mut(pointer) {
            *place = schema;
        }
    };
    let coordinates = "/LocationMessage/allOf/1/properties/location/properties";
    for name in ["latitude", "longitude"] {
        let either = json!({ "type": ["number", "string"] });
        set(&format!("{coordinates}/{name}"), either);
    }
    set("/PhoneObject/properties/type", json!({ "type": "string" }));
    let system = "/SystemMessage/allOf/1/properties/system/properties";
    let kinds =
        json!({ "type": "string", "enum": ["user_changed_number", "customer_identity_changed"] });
    set(&format!("{system}/type"), kinds);
    if let Value::Object(all) = all {
        *schemas = all;
    }
}

/// The parts of a template are chosen by a discriminator whose branches contain the chooser again: that has no end. The branches lose
/// it. A button's `index` is `0` to `9` by its description and example, which its pattern refuses; a language's `policy` is in no
/// example of the Cloud API.
fn templates(schemas: &mut Map<String, Value>) {
    for chooser in [
        "TemplateComponent",
        "ParameterObject",
        "ButtonParameterObject",
    ] {
        let reference = Value::from(format!("{SCHEMAS}{chooser}"));
        let mapping = schemas[chooser]["discriminator"]["mapping"].clone();
        let targets = mapping.as_object().into_iter().flat_map(Map::values);
        for name in targets.filter_map(Value::as_str) {
            let branch = schemas.get_mut(name.trim_start_matches(SCHEMAS));
            let parts = branch.and_then(|branch| branch["allOf"].as_array_mut());
            if let Some(parts) = parts {
                parts.retain(|part| part["$ref"] != reference);
            }
        }
    }
    let mut all = Value::Object(std::mem::take(schemas));
    for part in all["ButtonComponent"]["allOf"]
        .as_array_mut()
        .into_iter()
        .flatten()
    {
        part["properties"]["index"] = json!({ "type": "string", "pattern": "^[0-9]$" });
    }
    all["LanguageObject"]["required"] = json!(["code"]);
    if let Value::Object(all) = all {
        *schemas = all;
    }
}

/// "Send typing indicator and read receipt" is named among the answers of the messages path, and no request form is given; this is the
/// one of the reference pages.
fn mark_read(schemas: &mut Map<String, Value>) {
    let word = |word: &str| json!({ "type": "string", "enum": [word] });
    let typing =
        json!({ "type": "object", "required": ["type"], "properties": { "type": word("text") } });
    schemas.insert(
        "MarkRead".into(),
        json!({
            "type": "object",
            "required": ["messaging_product", "status", "message_id"],
            "properties": {
                "messaging_product": word("whatsapp"), "status": word("read"),
                "message_id": { "type": "string" }, "typing_indicator": typing
            }
        }),
    );
    let success = json!({
        "type": "object", "required": ["success"], "properties": { "success": { "type": "boolean" } }
    });
    schemas.insert("Success".into(), success);
}

/// Inbound messages reuse the outbound base (`messaging_product`, `recipient_type`, `to`), which no inbound example has. They get a
/// base of their own: `from`, `id`, `timestamp`, `type`, as every example and the reference pages show; and their
/// errors have the shape with a title, as the official "unsupported" example shows.
fn inbound_messages(schemas: &mut Map<String, Value>) {
    schemas.insert(
        "InboundMessageProperties".into(),
        json!({
            "type": "object",
            "required": ["from", "id", "timestamp", "type"],
            "properties": {
                "from": { "type": "string" }, "id": { "type": "string" },
                "timestamp": { "type": "string", "pattern": "^[0-9]+$" }, "type": { "type": "string" }
            }
        }),
    );
    let mapping = schemas["IncomingMessage"]["discriminator"]["mapping"].clone();
    for (kind, target) in mapping.as_object().into_iter().flatten() {
        let published = target
            .as_str()
            .unwrap_or_default()
            .trim_start_matches(SCHEMAS);
        let published = match COLLIDING.contains(&kind.as_str()) {
            true => format!("{published}_1"),
            false => published.to_owned(),
        };
        let reference = insert_inbound(schemas, &published);
        schemas["IncomingMessage"]["discriminator"]["mapping"][kind] = reference;
    }
    let system = insert_inbound(schemas, "SystemMessage");
    schemas["IncomingMessageValueSystem"]["properties"]["messages"]["items"] =
        json!({ "$ref": system });
}

fn insert_inbound(schemas: &mut Map<String, Value>, published: &str) -> Value {
    fn rebase(schema: &mut Value) {
        let Some(object) = schema.as_object_mut() else {
            return;
        };
        let base = match object.get("$ref").and_then(Value::as_str) {
            Some("#/components/schemas/BaseMessageProperties") => Some("InboundMessageProperties"),
            Some("#/components/schemas/ErrorObject") => Some("ErrorObject_2"),
            _ => None,
        };
        if let Some(base) = base {
            object.insert("$ref".into(), format!("{SCHEMAS}{base}").into());
        }
        each_child(object, &mut rebase);
    }
    let mut schema = schemas
        .get(published)
        .cloned()
        .unwrap_or(Value::Bool(false));
    rebase(&mut schema);
    let name = format!("Inbound_{published}");
    let reference = format!("{SCHEMAS}{name}").into();
    schemas.insert(name, schema);
    reference
}

/// The schema requires a document's `filename`; the reference page calls it optional.
fn optional_filename(schemas: &mut Map<String, Value>) {
    let pointer = "/Inbound_DocumentMessage_1/allOf/1/properties/document/allOf/1";
    let mut all = Value::Object(std::mem::take(schemas));
    if let Some(part) = all.pointer_mut(pointer).and_then(Value::as_object_mut) {
        part.remove("required");
    }
    if let Value::Object(all) = all {
        *schemas = all;
    }
}

/// A change may hold `errors` alone (system-level errors, reference page "errors"); the schema lists no such form.
fn change_with_errors_only(schemas: &mut Map<String, Value>) {
    let form = json!({
        "type": "object",
        "properties": {
            "messaging_product": { "type": "string" },
            "metadata": { "$ref": "#/components/schemas/Metadata" },
            "errors": { "type": "array", "items": { "$ref": "#/components/schemas/ErrorObject_2" } }
        },
        "required": ["messaging_product", "metadata", "errors"]
    });
    let forms = &mut schemas["Change"]["properties"]["value"]["oneOf"];
    if let Some(forms) = forms.as_array_mut() {
        forms.push(form);
    }
}

/// `file_size` is a string in the schema and an integer in live captures: both pass.
fn file_size_of_either_type(spec: &mut Value) {
    let media = &mut spec["paths"]["/{Version}/{Media-ID}"]["get"]["responses"]["200"];
    let properties = &mut media["content"]["application/json"]["schema"]["properties"];
    properties["file_size"] = json!({ "type": ["string", "integer"], "pattern": "^[0-9]+$" });
}
