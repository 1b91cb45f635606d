//! Policy statements of functions and roles.

use super::error::TemplateError;
use super::intrinsic::Resources;
use super::model::{Resources as Scope, Statement};
use super::properties::Properties;

/// Reads the `Statement` list of a policy document.
pub(crate) fn statements<R: Resources>(
    document: &Properties<'_, R>,
) -> Result<Vec<Statement>, TemplateError> {
    let mut read = Vec::new();
    for statement in document.list("Statement")? {
        read.push(one(&statement)?);
    }
    Ok(read)
}

/// Reads the `Policies` of a SAM function: inline statements are read; managed policies, which are given by name or
/// ARN, are skipped, because only the functions' own grants matter locally; SAM's policy templates are refused.
pub(crate) fn inline<R: Resources>(
    function: &Properties<'_, R>,
) -> Result<Vec<Statement>, TemplateError> {
    let mut read = Vec::new();
    let Some(policies) = function.raw("Policies") else {
        return Ok(read);
    };
    let Some(items) = policies.as_array() else {
        return match policies {
            serde_json::Value::Object(_) => statements(&function.inner("Policies")?),
            _ => Ok(read),
        };
    };
    if items.iter().all(|item| !item.is_object()) {
        return Ok(read);
    }
    for policy in function.list("Policies")? {
        match policy.entries().next() {
            Some((name, _)) if name == "Ref" || name.starts_with("Fn::") => {}
            _ if policy.raw("Statement").is_some() => read.extend(statements(&policy)?),
            _ => {
                return Err(policy
                    .place()
                    .error("expected statements; SAM's policy templates are not supported"));
            }
        }
    }
    Ok(read)
}

fn one<R: Resources>(statement: &Properties<'_, R>) -> Result<Statement, TemplateError> {
    let allow = match statement.required("Effect")?.as_str() {
        "Allow" => true,
        "Deny" => false,
        other => {
            let problem = format!("expected Allow or Deny, found {other:?}");
            return Err(statement.place().at("Effect").error(problem));
        }
    };
    if statement.raw("NotAction").is_some() {
        return Err(statement.place().at("NotAction").error("is not supported"));
    }
    let actions = statement.texts("Action")?;
    let only = statement.texts("Resource")?;
    let except = statement.texts("NotResource")?;
    let resources = match (only.is_empty(), except.is_empty()) {
        (false, true) => Scope::Only(only),
        (true, false) => Scope::Except(except),
        _ => {
            return Err(statement
                .place()
                .error("needs either Resource or NotResource"));
        }
    };
    if actions.is_empty() {
        return Err(statement.place().at("Action").error("is missing"));
    }
    Ok(Statement {
        sid: statement.text("Sid")?,
        allow,
        actions,
        resources,
        condition: statement.value("Condition")?,
    })
}
