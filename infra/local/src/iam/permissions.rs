//! What each principal may do.

use std::collections::BTreeMap;

use super::event_source;
use crate::template::{Function, Resources, Statement, Template};

/// What SAM's managed policy for queue sources allows on every queue.
const QUEUE_SOURCE: [&str; 3] = [
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
];

/// The statements that apply to each principal.
#[derive(Clone, Debug, Default)]
pub struct Permissions(BTreeMap<String, Vec<Statement>>);

impl Permissions {
    /// Reads the policies of all functions of a template.
    ///
    /// A function's event sources act with the same policy, and, where SAM makes the role, with what SAM adds to it
    /// (receiving from queues, sending to the on-failure destination). The function itself does not get those
    /// additions: code that relies on them would rely on an accident.
    #[must_use]
    pub fn of(template: &Template) -> Self {
        let mut principals = BTreeMap::new();
        for function in &template.functions {
            let mut sources = function.policy.clone();
            if !function.own_role {
                sources.extend(added_by_sam(function, template));
            }
            principals.insert(event_source(&function.logical_id), sources);
            principals.insert(function.logical_id.clone(), function.policy.clone());
        }
        Self(principals)
    }

    /// Whether a principal may do this. Unknown principals may do nothing.
    #[must_use]
    pub fn allow(&self, principal: &str, action: &str, resource: &str) -> bool {
        let statements = self.0.get(principal).map(Vec::as_slice).unwrap_or_default();
        let mut applying = statements
            .iter()
            .filter(|statement| applies(statement, action, resource));
        let denied = applying
            .clone()
            .any(|statement| !statement.allow && statement.condition.is_none());
        !denied && applying.any(|statement| statement.allow)
    }
}

fn added_by_sam(function: &Function, template: &Template) -> Vec<Statement> {
    let allow = |actions: &[&str], resource: &str| Statement {
        sid: None,
        allow: true,
        actions: actions.iter().map(|action| (*action).to_owned()).collect(),
        resources: Resources::Only(vec![resource.to_owned()]),
        condition: None,
    };
    let destination = function
        .async_invoke
        .on_failure
        .as_deref()
        .and_then(|id| template.queue(id))
        .map(|queue| allow(&["sqs:SendMessage"], &queue.arn));
    std::iter::once(allow(&QUEUE_SOURCE, "*"))
        .chain(destination)
        .collect()
}

fn applies(statement: &Statement, action: &str, resource: &str) -> bool {
    let action = action.to_ascii_lowercase();
    let of_action = |pattern: &String| fits(&pattern.to_ascii_lowercase(), &action);
    let of_resource = |pattern: &String| fits(pattern, resource);
    statement.actions.iter().any(of_action)
        && match &statement.resources {
            Resources::Only(patterns) => patterns.iter().any(of_resource),
            Resources::Except(patterns) => !patterns.iter().any(of_resource),
        }
}

/// `*` stands for any text, `?` for any one character.
fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at_pattern, mut at_text) = (0, 0);
    // Where the last star was, and how much of the text it stands for so far.
    let mut star: Option<(usize, usize)> = None;
    while at_text < text.len() {
        match pattern.get(at_pattern) {
            Some(b'*') => {
                star = Some((at_pattern, at_text));
                at_pattern += 1;
            }
            Some(expected) if *expected == b'?' || *expected == text[at_text] => {
                at_pattern += 1;
                at_text += 1;
            }
            _ => match star {
                Some((at_star, covered)) => {
                    star = Some((at_star, covered + 1));
                    at_pattern = at_star + 1;
                    at_text = covered + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at_pattern..].iter().all(|rest| *rest == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::Settings;

    const TEMPLATE: &str = r#"
Resources:
  WorkFunction:
    Type: AWS::Serverless::Function
    Properties:
      EventInvokeConfig: { DestinationConfig: { OnFailure: { Type: SQS, Destination: !GetAtt Failed.Arn } } }
      Policies:
        - Statement:
            - { Effect: Allow, Action: [dynamodb:GetItem, dynamodb:Update*], Resource: !GetAtt Rows.Arn }
            - { Effect: Allow, Action: s3:GetObject, Resource: "arn:aws:s3:::media/arrivals/*" }
            - { Effect: Deny, Action: "s3:*", Resource: "arn:aws:s3:::media/arrivals/secret?" }
            - Effect: Allow
              Action: kms:Decrypt
              Resource: "*"
              Condition: { StringEquals: { "kms:EncryptionContext:purpose": token } }
            - Effect: Deny
              Action: kms:Decrypt
              Resource: "*"
              Condition: { Bool: { "aws:SecureTransport": "false" } }
            - { Effect: Deny, Action: sqs:ReceiveMessage, NotResource: !GetAtt Work.Arn }
  OtherFunction:
    Type: AWS::Serverless::Function
    Properties: { Role: !GetAtt OtherRole.Arn }
  OtherRole: { Type: AWS::IAM::Role }
  Rows:
    Type: AWS::DynamoDB::Table
    Properties: { KeySchema: [{ AttributeName: id, KeyType: HASH }] }
  Work: { Type: AWS::SQS::Queue }
  Failed: { Type: AWS::SQS::Queue }
"#;

    #[test]
    fn calls_are_judged_as_iam_judges_them() {
        let template = Template::parse(TEMPLATE, &Settings::default()).unwrap();
        let permissions = Permissions::of(&template);
        let rows = "arn:aws:dynamodb:us-east-1:000000000000:table/attache-local-rows";
        let other = "arn:aws:dynamodb:us-east-1:000000000000:table/attache-local-other";
        let work = "arn:aws:sqs:us-east-1:000000000000:attache-local-work";
        let failed = "arn:aws:sqs:us-east-1:000000000000:attache-local-failed";
        let object = "arn:aws:s3:::media/arrivals/a/b";
        for (principal, action, resource, expected) in [
            ("WorkFunction", "dynamodb:GetItem", rows, true),
            ("WorkFunction", "dynamodb:UpdateItem", rows, true),
            ("WorkFunction", "DynamoDB:updateitem", rows, true),
            ("WorkFunction", "dynamodb:PutItem", rows, false),
            ("WorkFunction", "dynamodb:GetItem", other, false),
            (
                "WorkFunction",
                "dynamodb:GetItem",
                &format!("{rows}/index/due"),
                false,
            ),
            ("WorkFunction", "s3:GetObject", object, true),
            (
                "WorkFunction",
                "s3:GetObject",
                "arn:aws:s3:::media/arrivals/secret1",
                false,
            ),
            (
                "WorkFunction",
                "s3:GetObject",
                "arn:aws:s3:::media/arrivals/secret12",
                true,
            ),
            (
                "WorkFunction",
                "s3:GetObject",
                "arn:aws:s3:::media/other",
                false,
            ),
            ("WorkFunction", "s3:PutObject", object, false),
            (
                "WorkFunction",
                "kms:Decrypt",
                "arn:aws:kms:us-east-1:000000000000:key/k",
                true,
            ),
            ("WorkFunction", "sqs:ReceiveMessage", work, false),
            (
                "event-source.WorkFunction",
                "sqs:ReceiveMessage",
                work,
                true,
            ),
            (
                "event-source.WorkFunction",
                "sqs:ReceiveMessage",
                failed,
                false,
            ),
            ("event-source.WorkFunction", "sqs:SendMessage", failed, true),
            ("WorkFunction", "sqs:SendMessage", failed, false),
            (
                "event-source.OtherFunction",
                "sqs:ReceiveMessage",
                work,
                false,
            ),
            ("OtherFunction", "dynamodb:GetItem", rows, false),
            ("nobody", "dynamodb:GetItem", rows, false),
        ] {
            let allowed = permissions.allow(principal, action, resource);
            assert_eq!(allowed, expected, "{principal} {action} {resource}");
        }
    }

    #[test]
    fn wildcards_fit() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("a*c*e", "abcde", true),
            ("a*c*e", "abcd", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("abc", "abcd", false),
            ("a*b*b", "aXbYbZb", true),
            ("", "a", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }
}
