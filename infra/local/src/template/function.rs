//! `AWS::Serverless::Function`: settings, environment, policy, and where its globals and its role come in.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use super::error::{Place, TemplateError};
use super::intrinsic::{Resolver, Resources};
use super::model::{AsyncInvoke, Function, Named, Statement};
use super::names::{arn, kebab};
use super::properties::Properties;
use super::{event, policy};

/// Lambda's default timeout, in seconds.
const DEFAULT_TIMEOUT: u64 = 3;
/// Lambda's default memory, in MB.
const DEFAULT_MEMORY: u64 = 128;

/// Reads a function.
pub(crate) fn read<'a, R: Resources>(
    named: Named,
    body: &'a Value,
    properties: &Properties<'a, R>,
    globals: &Properties<'a, R>,
    declared: &'a Map<String, Value>,
    resolver: &'a Resolver<'a, R>,
) -> Result<Function, TemplateError> {
    let timeout = either(properties, globals, "Timeout")?.unwrap_or(DEFAULT_TIMEOUT);
    let mut environment = BTreeMap::new();
    for scope in [globals, properties] {
        let variables = scope.inner("Environment")?.inner("Variables")?;
        for (name, _) in variables.entries() {
            if let Some(value) = variables.text(name)? {
                environment.insert(name.clone(), value);
            }
        }
    }
    let metadata = Properties::new(
        properties.place().at("Metadata"),
        body.get("Metadata"),
        resolver,
    )?;
    let built = metadata.inner("BuildProperties")?.text("Binary")?;
    let binary = match built {
        Some(binary) => binary,
        None => metadata.text("Binary")?.unwrap_or_else(|| {
            let id = &named.logical_id;
            kebab(id.strip_suffix("Function").unwrap_or(id))
        }),
    };
    let role = role_statements(properties, declared, resolver)?;
    Ok(Function {
        arn: arn("lambda", &format!("function:{}", named.name)),
        binary,
        timeout: Duration::from_secs(timeout),
        memory_mb: either(properties, globals, "MemorySize")?.unwrap_or(DEFAULT_MEMORY),
        environment,
        events: event::read(properties)?,
        async_invoke: async_invoke(properties, globals)?,
        own_role: role.is_some(),
        policy: match role {
            Some(statements) => statements,
            None => policy::inline(properties)?,
        },
        logical_id: named.logical_id,
        name: named.name,
    })
}

fn either<R: Resources>(
    properties: &Properties<'_, R>,
    globals: &Properties<'_, R>,
    name: &str,
) -> Result<Option<u64>, TemplateError> {
    match properties.number(name)? {
        Some(number) => Ok(Some(number)),
        None => globals.number(name),
    }
}

fn async_invoke<R: Resources>(
    properties: &Properties<'_, R>,
    globals: &Properties<'_, R>,
) -> Result<AsyncInvoke, TemplateError> {
    let mut settings = AsyncInvoke::default();
    for scope in [globals, properties] {
        let config = scope.inner("EventInvokeConfig")?;
        if let Some(retries) = config.number("MaximumRetryAttempts")? {
            settings.max_retries = u32::try_from(retries)
                .ok()
                .filter(|retries| *retries <= 2)
                .ok_or_else(|| {
                    let place = config.place().at("MaximumRetryAttempts");
                    place.error("expected 0, 1 or 2")
                })?;
        }
        let destination = config.inner("DestinationConfig")?.inner("OnFailure")?;
        if destination.raw("Destination").is_some() {
            settings.on_failure = Some(event::target(&destination, "Destination")?);
        }
    }
    Ok(settings)
}

/// The statements of the role a function names, when that role is declared in the same template.
fn role_statements<'a, R: Resources>(
    properties: &Properties<'a, R>,
    declared: &'a Map<String, Value>,
    resolver: &'a Resolver<'a, R>,
) -> Result<Option<Vec<Statement>>, TemplateError> {
    if properties.raw("Role").is_none() {
        return Ok(None);
    }
    let id = event::target(properties, "Role")?;
    let role = declared.get(&id).and_then(|role| role.get("Properties"));
    let role = Properties::new(Place::resource(&id), role, resolver)?;
    let mut statements = Vec::new();
    for document in role.list("Policies")? {
        statements.extend(policy::statements(&document.inner("PolicyDocument")?)?);
    }
    Ok(Some(statements))
}
