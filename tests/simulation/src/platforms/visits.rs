//! Calls to the hosts of files and of links to them: each is seen by the reference, and meets its host's trouble.

use std::time::Duration;

use attache_domain::ids::ConnectionId;
use attache_domain::wire::{CallError, Headers, Method, Request, Response};
use serde_json::{Value, json};

use super::{Platforms, answer, come_back, genesys, opaque, web};
use crate::reference::Outcome;
use crate::scene::{GRAPH, Part};
use crate::trouble::{Kind, Trouble};

/// A call to a host of files.
pub(super) struct Visit {
    key: String,
    /// The number whose question it is, if it is one.
    question: Option<String>,
}

impl Platforms {
    /// The call behind `request`, if it is about a file that there is.
    pub(super) fn visit(&self, host: &str, request: &Request) -> Option<Visit> {
        let owner = self.owner(request)?;
        Some(Visit {
            key: format!("host/{owner}/{host}"),
            question: (host == GRAPH).then(|| owner.to_string()),
        })
    }

    fn owner(&self, request: &Request) -> Option<ConnectionId> {
        let named = request.url.query_pairs().find(|(key, _)| key == "mid");
        let name = match named {
            Some((_, name)) => name.into_owned(),
            None => request.url.path().rsplit('/').next()?.to_owned(),
        };
        let of = |part: &Part| part.attachment == name;
        let mut messages = self.scene.messages.iter();
        let message = messages.find(|message| message.parts.iter().any(of))?;
        Some(message.connection())
    }

    /// It arrives, and may meet trouble there.
    pub(super) async fn arrive(
        &self,
        visit: Option<&Visit>,
        host: &str,
        request: &Request,
    ) -> Option<Result<Response, CallError>> {
        let scene = &self.scene;
        if let Some(visit) = visit {
            scene.reference.arrives(scene, &visit.key);
            if let Some(number) = &visit.question {
                scene.reference.is_asked(scene, number);
            }
        }
        let now = scene.agenda.now();
        let trouble = scene.trouble.filter(|it| it.is_met(host, now))?;
        scene.faults.meet(scene, trouble.fault());
        let dice = &scene.agenda.dice;
        Some(match trouble.kind {
            Kind::Unavailable | Kind::Down => {
                scene.agenda.sleep(dice.millis(1, 400)).await;
                Ok(answer(503, &Value::Null))
            }
            Kind::Silent => {
                scene.agenda.sleep(request.patience).await;
                Err(CallError::NoAnswer("no answer in time".to_owned()))
            }
            Kind::Throttled => Ok(match Trouble::hint(dice) {
                Some(wait) => come_back(429, wait, &Value::Null),
                None => answer(429, &Value::Null),
            }),
        })
    }

    /// What a platform that is down says to whoever wants something sent over it, or handed over to it.
    pub(super) async fn down(
        &self,
        host: &str,
        request: &Request,
    ) -> Option<Result<Response, CallError>> {
        let scene = &self.scene;
        let sends = matches!(request.method, Method::Post | Method::Put);
        let down = scene.down.filter(|_| sends)?;
        let now = scene.agenda.now();
        if !down.is_met(host, now) {
            return None;
        }
        scene.faults.meet(scene, down.fault());
        scene.agenda.sleep(scene.agenda.dice.millis(1, 400)).await;
        let refused = match host {
            GRAPH => json!({ "error": { "code": 131_016, "message": "Service unavailable" } }),
            _ => json!({ "code": "service.unavailable" }),
        };
        let answer = Ok(answer(503, &refused));
        let row = genesys::Landing::read(scene, request).map(|landing| landing.row);
        if let Some(row) = row.or_else(|| opaque(request)) {
            scene.reference.post(scene, &row, request.patience);
            scene.reference.answered(scene, &row, &answer, false);
        } else if let Some(row) = web::row_of(scene, request) {
            scene.reference.calls(scene, &row);
            scene.reference.not_handed_over(&row, false);
        }
        Some(answer)
    }

    /// It ended with these headers, or without any.
    pub(super) fn leave(&self, visit: Option<&Visit>, ended: Result<(u16, &Headers), &CallError>) {
        let (scene, Some(visit)) = (&self.scene, visit) else {
            return;
        };
        let outcome = outcome(ended);
        scene.reference.leaves(scene, &visit.key, outcome);
        if let (Some(number), Outcome::Answered { erred: true }) = (&visit.question, outcome) {
            scene.reference.errs(scene, number);
        }
    }
}

fn outcome(ended: Result<(u16, &Headers), &CallError>) -> Outcome {
    match ended {
        Err(_) | Ok((500.., _)) => Outcome::Failed,
        Ok((429, headers)) => {
            let hint = headers.get("retry-after").and_then(|it| it.parse().ok());
            Outcome::Throttled(hint.map(Duration::from_secs))
        }
        Ok((status, _)) => Outcome::Answered {
            erred: [401, 404].contains(&status),
        },
    }
}
