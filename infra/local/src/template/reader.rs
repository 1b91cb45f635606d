//! From a parsed document to a [`Template`]: parameters, conditions, names first; then every resource in turn.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::error::{Place, TemplateError};
use super::intrinsic::{Resolver, Resources};
use super::model::{Named, Template};
use super::names::{arn, physical};
use super::properties::Properties;
use super::{ACCOUNT, REGION, event, function, resource};

/// What the surroundings add to a template.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Values for parameters, over their defaults.
    pub parameters: BTreeMap<String, String>,
    /// The SQS endpoint, from which queue URLs are made, e.g. `http://127.0.0.1:9324`.
    pub sqs_endpoint: String,
    /// The ids of KMS keys, by logical id. A key that is not here is known by its physical name.
    pub key_ids: BTreeMap<String, String>,
}

/// What `Ref` and `GetAtt` need to know about every resource.
struct Catalogue<'a> {
    settings: &'a Settings,
    stage: String,
    entries: BTreeMap<String, Entry>,
}

struct Entry {
    kind: String,
    name: String,
}

/// Reads a document.
pub(crate) fn read(document: &Value, settings: &Settings) -> Result<Template, TemplateError> {
    let none = Map::new();
    let section = |name: &str| document.get(name).and_then(Value::as_object);
    let parameters = parameters(section("Parameters").unwrap_or(&none), settings)?;
    let stage = parameters
        .get("Stage")
        .cloned()
        .unwrap_or_else(|| "local".to_owned());
    let declared = section("Resources")
        .ok_or_else(|| Place::resource("Resources").error("the template declares no resources"))?;
    let conditions = section("Conditions").unwrap_or(&none);

    let mut catalogue = Catalogue {
        settings,
        stage: stage.clone(),
        entries: BTreeMap::new(),
    };
    let nameless = Resolver {
        parameters: &parameters,
        conditions,
        resources: &catalogue,
    };
    let entries = entries(declared, &nameless, &stage)?;
    catalogue.entries = entries;
    let resolver = Resolver {
        parameters: &parameters,
        conditions,
        resources: &catalogue,
    };
    let globals = document.pointer("/Globals/Function");
    let globals = Properties::new(
        Place::resource("Globals").at("Function"),
        globals,
        &resolver,
    )?;
    let mut template = resources(declared, &resolver, &catalogue, &globals)?;
    template.stage = stage;
    event::attach_bucket_notifications(declared, &resolver, &mut template)?;
    Ok(template)
}

fn resources<'a>(
    declared: &'a Map<String, Value>,
    resolver: &'a Resolver<'a, Catalogue<'a>>,
    catalogue: &Catalogue<'_>,
    globals: &Properties<'a, Catalogue<'a>>,
) -> Result<Template, TemplateError> {
    let mut template = Template::default();
    for (id, entry) in &catalogue.entries {
        let place = Place::resource(id);
        let body = declared.get(id).unwrap_or(&Value::Null);
        let properties = Properties::new(place, body.get("Properties"), resolver)?;
        let named = || Named {
            logical_id: id.clone(),
            name: entry.name.clone(),
        };
        match entry.kind.as_str() {
            "AWS::Serverless::Function" => {
                let read = function::read(named(), body, &properties, globals, declared, resolver)?;
                template.functions.push(read);
            }
            "AWS::DynamoDB::Table" => {
                template.tables.push(resource::table(named(), &properties)?);
            }
            "AWS::S3::Bucket" => template.buckets.push(resource::bucket(named())),
            "AWS::SQS::Queue" => {
                let url = catalogue.queue_url(&entry.name);
                template
                    .queues
                    .push(resource::queue(named(), url, &properties)?);
            }
            "AWS::KMS::Key" => template.keys.push(named()),
            "AWS::SecretsManager::Secret" => template.secrets.push(named()),
            "AWS::CloudFront::Distribution" => {
                let read = resource::distribution(named(), &properties)?;
                template.distributions.push(read);
            }
            "AWS::CloudFront::PublicKey" => {
                let read = resource::public_key(named(), &properties)?;
                template.public_keys.push(read);
            }
            _ => {}
        }
    }
    Ok(template)
}

fn parameters(
    declared: &Map<String, Value>,
    settings: &Settings,
) -> Result<BTreeMap<String, String>, TemplateError> {
    let wrong = |name: &str, problem: String| TemplateError::Parameter {
        name: name.to_owned(),
        problem,
    };
    if let Some(name) = settings
        .parameters
        .keys()
        .find(|name| !declared.contains_key(*name))
    {
        return Err(wrong(name, "the template has no such parameter".to_owned()));
    }
    let mut values = BTreeMap::new();
    for (name, body) in declared {
        let value = match (settings.parameters.get(name), body.get("Default")) {
            (Some(given), _) => given.clone(),
            (None, Some(default)) => scalar(default),
            (None, None) => return Err(wrong(name, "has no default and no value".to_owned())),
        };
        let allowed = body.get("AllowedValues").and_then(Value::as_array);
        if allowed.is_some_and(|allowed| !allowed.iter().any(|item| scalar(item) == value)) {
            return Err(wrong(name, format!("{value:?} is not an allowed value")));
        }
        values.insert(name.clone(), value);
    }
    Ok(values)
}

/// A parameter's value as CloudFormation sees it: text, whatever it looks like.
fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The resources whose condition holds, with their physical names. Names may use parameters, not other resources.
fn entries<R: Resources>(
    declared: &Map<String, Value>,
    resolver: &Resolver<'_, R>,
    stage: &str,
) -> Result<BTreeMap<String, Entry>, TemplateError> {
    let mut entries = BTreeMap::new();
    for (id, body) in declared {
        let place = Place::resource(id);
        let condition = body.get("Condition").and_then(Value::as_str);
        if let Some(condition) = condition
            && !resolver.condition(&place.at("Condition"), condition)?
        {
            continue;
        }
        let kind = body
            .get("Type")
            .and_then(Value::as_str)
            .ok_or_else(|| place.at("Type").error("is missing"))?;
        let given = match name_property(kind) {
            Some(property) => {
                Properties::new(place, body.get("Properties"), resolver)?.text(property)?
            }
            None => None,
        };
        let entry = Entry {
            kind: kind.to_owned(),
            name: given.unwrap_or_else(|| physical(stage, id)),
        };
        entries.insert(id.clone(), entry);
    }
    Ok(entries)
}

fn name_property(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "AWS::Serverless::Function" => "FunctionName",
        "AWS::DynamoDB::Table" => "TableName",
        "AWS::S3::Bucket" => "BucketName",
        "AWS::SQS::Queue" => "QueueName",
        "AWS::IAM::Role" => "RoleName",
        "AWS::SecretsManager::Secret" => "Name",
        "AWS::Logs::LogGroup" => "LogGroupName",
        _ => return None,
    })
}

impl Catalogue<'_> {
    fn queue_url(&self, name: &str) -> String {
        let endpoint = self.settings.sqs_endpoint.trim_end_matches('/');
        format!("{endpoint}/{ACCOUNT}/{name}")
    }

    fn key_id(&self, logical_id: &str, name: &str) -> String {
        let known = self.settings.key_ids.get(logical_id);
        known.cloned().unwrap_or_else(|| name.to_owned())
    }

    /// The role SAM makes for a function that has none: `<logical id>Role`.
    fn sam_role(&self, logical_id: &str) -> Option<String> {
        let function = logical_id.strip_suffix("Role")?;
        let entry = self.entries.get(function)?;
        (entry.kind == "AWS::Serverless::Function").then(|| physical(&self.stage, logical_id))
    }
}

impl Resources for Catalogue<'_> {
    fn reference(&self, id: &str) -> Option<String> {
        let Some(entry) = self.entries.get(id) else {
            return self.sam_role(id);
        };
        Some(match entry.kind.as_str() {
            "AWS::SQS::Queue" => self.queue_url(&entry.name),
            "AWS::KMS::Key" => self.key_id(id, &entry.name),
            "AWS::SecretsManager::Secret" => arn("secretsmanager", &secret(&entry.name)),
            "AWS::SNS::Topic" => arn("sns", &entry.name),
            _ => entry.name.clone(),
        })
    }

    fn attribute(&self, id: &str, attribute: &str) -> Option<String> {
        let Some(entry) = self.entries.get(id) else {
            let role = self.sam_role(id)?;
            return (attribute == "Arn").then(|| arn("iam", &format!("role/{role}")));
        };
        let name = &entry.name;
        Some(match (entry.kind.as_str(), attribute) {
            ("AWS::Serverless::Function", "Arn") => arn("lambda", &format!("function:{name}")),
            ("AWS::SQS::Queue", "Arn") => arn("sqs", name),
            ("AWS::SQS::Queue", "QueueName") => name.clone(),
            ("AWS::SQS::Queue", "QueueUrl") => self.queue_url(name),
            ("AWS::DynamoDB::Table", "Arn") => arn("dynamodb", &format!("table/{name}")),
            ("AWS::S3::Bucket", "Arn") => arn("s3", name),
            ("AWS::S3::Bucket", "DomainName") => format!("{name}.s3.amazonaws.com"),
            ("AWS::S3::Bucket", "RegionalDomainName") => {
                format!("{name}.s3.{REGION}.amazonaws.com")
            }
            ("AWS::KMS::Key", "Arn") => arn("kms", &format!("key/{}", self.key_id(id, name))),
            ("AWS::KMS::Key", "KeyId") => self.key_id(id, name),
            ("AWS::IAM::Role", "Arn") => arn("iam", &format!("role/{name}")),
            ("AWS::SecretsManager::Secret", "Id") => arn("secretsmanager", &secret(name)),
            ("AWS::Logs::LogGroup", "Arn") => arn("logs", &format!("log-group:{name}:*")),
            _ => return None,
        })
    }
}

fn secret(name: &str) -> String {
    format!("secret:{name}")
}
