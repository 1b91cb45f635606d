//! An AWS account of this test's own: tables, queues and secrets in embedded engines, and what those have not, CloudFormation and the
//! settings of buckets, in the shape that AWS documents (API references of CloudFormation and S3, checked 2026-11-27). It also stands
//! where the stack's endpoints would.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use attache_local::Provisioned;
use attache_local::iam::OPERATOR;
use attache_operator::site::{self, SiteOptions};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::home::Scene;

/// The template that the stack was made from.
const TEMPLATE: &str = include_str!("../../../../template.yaml");

/// What can be wrong with it, by the id of the finding that it leads to; empty: nothing.
#[derive(Default)]
pub(super) struct Account {
    wrong: Mutex<&'static str>,
    outputs: Mutex<BTreeMap<String, String>>,
    verify_token: String,
}

/// The account, and where it is.
pub(super) struct Opened {
    pub(super) account: Arc<Account>,
    pub(super) url: String,
    _engines: Provisioned,
    serving: JoinHandle<()>,
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Account {
    /// Opens it for a scene: its command finds it, and its integration calls its endpoint.
    pub(super) async fn open(scene: &mut Scene) -> Result<Opened> {
        let engines = site::provision(PathBuf::from("no-binaries"), SiteOptions::default()).await?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let account = Arc::new(Self {
            verify_token: scene.whatsapp.options().verify_token.clone(),
            outputs: Mutex::new(outputs(&engines, &url)),
            ..Self::default()
        });
        let router = Router::new()
            .route("/", post(cloudformation))
            .route("/webhooks/{endpoint}", get(endpoint))
            .route("/{bucket}", get(bucket))
            .route("/{bucket}/", get(bucket))
            .with_state(Arc::clone(&account));
        let serving = tokio::spawn(async move {
            // It ends with the test.
            let _ = axum::serve(listener, router).await;
        });
        let aws = engines.endpoints();
        for (name, value) in [
            ("AWS_ENDPOINT_URL_CLOUDFORMATION", &url),
            ("AWS_ENDPOINT_URL_S3", &url),
            ("AWS_ENDPOINT_URL_SQS", &aws.sqs),
            ("AWS_ENDPOINT_URL_DYNAMODB", &aws.dynamodb),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &aws.secrets_manager),
        ] {
            scene.home.set(name, value);
        }
        scene.home.set("AWS_ACCESS_KEY_ID", OPERATOR);
        scene.home.set("AWS_SECRET_ACCESS_KEY", "local");
        scene.home.set("AWS_REGION", "us-east-1");
        // Without credentials the SDK would look for a machine's own.
        scene.home.set("AWS_EC2_METADATA_DISABLED", "true");
        scene
            .genesys
            .set_callback(format!("{url}/webhooks/agents").parse()?);
        Ok(Opened {
            account,
            url,
            _engines: engines,
            serving,
        })
    }

    /// From now on this is wrong, and nothing else.
    pub(super) fn spoil(&self, wrong: &'static str) {
        *held(&self.wrong) = wrong;
    }

    fn is(&self, wrong: &str) -> bool {
        *held(&self.wrong) == wrong
    }
}

fn outputs(engines: &Provisioned, url: &str) -> BTreeMap<String, String> {
    let template = engines.template();
    let tables = template.tables.iter();
    let tables = tables.map(|it| (format!("{}Name", it.logical_id), it.name.clone()));
    let buckets = template.buckets.iter();
    let buckets = buckets.map(|it| (format!("{}Name", it.logical_id), it.name.clone()));
    let queues = template.queues.iter();
    let queues = queues.map(|it| (format!("{}Url", it.logical_id), it.url.clone()));
    let own = [
        ("Stage", "prod".to_owned()),
        ("WebhookUrl", format!("{url}/webhooks")),
        ("ContentTarget", "d111.cloudfront.example".to_owned()),
    ];
    let own = own.map(|(name, value)| (name.to_owned(), value));
    tables.chain(buckets).chain(queues).chain(own).collect()
}

async fn cloudformation(State(account): State<Arc<Account>>, form: String) -> (StatusCode, String) {
    let action = form
        .split('&')
        .find_map(|pair| pair.strip_prefix("Action="))
        .unwrap_or_default();
    let result = match action {
        "DescribeStacks" => described(&account),
        "ListStackResources" if account.is("aws.not-allowed") => {
            let body = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not authorized to \
                        perform: cloudformation:ListStackResources</Message></Error></ErrorResponse>";
            return (StatusCode::FORBIDDEN, body.to_owned());
        }
        "ListStackResources" => listed(&account),
        "GetTemplate" => {
            let text = match account.is("aws.permission-missing") {
                true => TEMPLATE.replacen("dynamodb:Query", "dynamodb:Scan", 1),
                false => TEMPLATE.to_owned(),
            };
            format!("<TemplateBody>{}</TemplateBody>", escaped(&text))
        }
        _ => return (StatusCode::BAD_REQUEST, String::new()),
    };
    let namespace = "http://cloudformation.amazonaws.com/doc/2010-05-15/";
    let body = format!(
        "<{action}Response xmlns=\"{namespace}\"><{action}Result>{result}</{action}Result></{action}Response>"
    );
    (StatusCode::OK, body)
}

fn described(account: &Account) -> String {
    let without = account.is("content.no-domain").then_some("ContentTarget");
    let outputs: String = held(&account.outputs)
        .iter()
        .filter(|(key, _)| Some(key.as_str()) != without)
        .map(|(key, value)| {
            format!(
                "<member><OutputKey>{key}</OutputKey><OutputValue>{}</OutputValue></member>",
                escaped(value)
            )
        })
        .collect();
    format!(
        "<Stacks><member><StackName>attache</StackName><CreationTime>2026-11-25T22:26:28.000Z</CreationTime>\
         <StackStatus>UPDATE_COMPLETE</StackStatus><Parameters><member><ParameterKey>AllowLocal</ParameterKey>\
         <ParameterValue>true</ParameterValue></member></Parameters><Outputs>{outputs}</Outputs></member></Stacks>"
    )
}

/// Every resource of the template, conditional ones included: more than what is asked for is no finding.
fn listed(account: &Account) -> String {
    let gone = if account.is("aws.no-alarm") {
        "MediaDeadLettersAlarm"
    } else if account.is("aws.missing") {
        "LimitDriftFilter"
    } else {
        ""
    };
    let resources = TEMPLATE.split_once("\nResources:\n");
    let resources = resources.map(|(_, rest)| rest).unwrap_or_default();
    let ids = resources
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':'))
        .filter(|id| !id.starts_with([' ', '#']) && *id != gone);
    let member = |id: &str| {
        format!(
            "<member><LogicalResourceId>{id}</LogicalResourceId><ResourceType>x</ResourceType>\
             <LastUpdatedTimestamp>2026-11-25T22:26:28.000Z</LastUpdatedTimestamp>\
             <ResourceStatus>CREATE_COMPLETE</ResourceStatus></member>"
        )
    };
    let members: String = ids.map(member).collect();
    format!("<StackResourceSummaries>{members}</StackResourceSummaries>")
}

async fn bucket(
    State(account): State<Arc<Account>>,
    Path(bucket): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
) -> (StatusCode, String) {
    // One of the two is enough to be found.
    let spoilt = |wrong: &str| account.is(wrong) && bucket.contains("quarantine");
    if query.contains_key("publicAccessBlock") {
        let restricted = !spoilt("aws.bucket-public");
        let body = format!(
            "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>\
             <BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>{restricted}</RestrictPublicBuckets>\
             </PublicAccessBlockConfiguration>"
        );
        return (StatusCode::OK, body);
    }
    if query.contains_key("encryption") {
        let default = match spoilt("aws.bucket-unencrypted") {
            true => "<SSEAlgorithm>AES256</SSEAlgorithm>",
            false => "<SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>key-1</KMSMasterKeyID>",
        };
        let body = format!(
            "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>{default}\
             </ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>"
        );
        return (StatusCode::OK, body);
    }
    (StatusCode::NOT_FOUND, String::new())
}

/// Our endpoints, as `intake` answers them.
async fn endpoint(
    State(account): State<Arc<Account>>,
    Path(endpoint): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
) -> (StatusCode, String) {
    if account.is("webhook.unreachable") && endpoint == "agents" {
        return (StatusCode::BAD_GATEWAY, String::new());
    }
    match query.get("hub.verify_token") {
        Some(token) if *token == account.verify_token => {
            let challenge = query.get("hub.challenge").cloned();
            (StatusCode::OK, challenge.unwrap_or_default())
        }
        _ => (StatusCode::FORBIDDEN, String::new()),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
