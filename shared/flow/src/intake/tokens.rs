//! Where a platform signs nothing: tokens are issued to it and checked, from what is in memory alone, and it reads our name for what it
//! brought.

use attache_domain::connection::Endpoint;
use attache_domain::event::Announcement;
use attache_domain::ids::ConnectionId;
use attache_domain::platforms;
use attache_domain::signature::{IssuedScope, Refusal};

use super::{Doorway, Intake, Keys, Proof, Reply, Request};

impl Intake<'_> {
    /// Answers a request for a token.
    pub(super) fn issue(&self, endpoint: &Endpoint, keys: &Keys, request: &Request) -> Reply {
        let Proof::Issued(issuer) = &keys.proof else {
            return Reply::new(404, "no tokens are issued here");
        };
        match issuer.grant(&request.body, self.clock.now()) {
            Ok(answer) => {
                tracing::info!(endpoint.id = %endpoint.id, "token issued");
                Reply::json(200, answer)
            }
            Err(denied) => {
                tracing::warn!(endpoint.id = %endpoint.id, reason = %denied, "no token issued");
                let (status, body) = denied.answer();
                Reply::json(status, body)
            }
        }
    }

    /// Whether a request comes from whom it says, and, where its proof is a token, for what that is good.
    pub(super) fn proven(
        &self,
        keys: &Keys,
        request: &Request,
    ) -> Result<Option<IssuedScope>, Refusal> {
        match &keys.proof {
            Proof::Signed(verifier) => {
                let signature = request.headers.get(verifier.scheme().header.as_ref());
                verifier.verify(signature, &request.body).map(|()| None)
            }
            Proof::Issued(issuer) => issuer
                .check(request.headers.get("authorization"), self.clock.now())
                .map(Some),
        }
    }

    /// The reply to what is durable, with what its sender wants to read.
    pub(super) fn answered(
        &self,
        reply: Reply,
        (doorway, endpoint): (&Doorway, &Endpoint),
        path: &str,
        announcements: &[Announcement],
    ) -> Reply {
        let first = announcements.first().filter(|_| reply.status == 200);
        let answer = first.and_then(|first| {
            let connection = doorway.directory.business(&endpoint.id, &first.business);
            // Nobody configured it: what is kept is named after its endpoint.
            let of_endpoint = || ConnectionId::new(endpoint.id.as_str());
            let connection = connection.map_or_else(of_endpoint, |it| it.id.clone());
            let named = (first, &connection);
            platforms::answer(endpoint.profile, path, named, self.clock.now())
        });
        answer.map_or(reply, |body| Reply::json(200, body))
    }
}

/// Whether a token is good for all that is announced. What names no address of the business is of the only one there.
pub(super) fn covers(
    scope: &Option<IssuedScope>,
    (doorway, endpoint): (&Doorway, &Endpoint),
    announcements: &[Announcement],
) -> bool {
    let Some(scope) = scope else {
        return true;
    };
    announcements.iter().all(|announcement| {
        let named = announcement.business.as_str();
        let connection = doorway.directory.business(&endpoint.id, named);
        let address = connection.and_then(|connection| connection.address());
        scope.covers(address.unwrap_or(named))
    })
}
