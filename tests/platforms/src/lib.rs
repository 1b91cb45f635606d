//! Stand-ins for the platforms: real HTTP servers on loopback that keep the platforms' rules and misbehave on request.
//!
//! [`whatsapp`] is the WhatsApp Cloud API with its customers, [`genesys`] is Genesys Cloud with its agents, [`cxone`] is NICE CXone with its own; both sides can say all they
//! have, and both directions can be played. Each was written from the
//! vendor's published schemas, examples and pages (`specs/`, `examples/`), never from a client of ours, so that
//! agreement between the two means something. [`clamd`] is the scanner that a site may have beside them. What the platforms share:
//!
//! - [`clock`]: movable time. Links die, tokens expire and webhooks are retried by it.
//! - [`delivery`]: webhooks that come again until they are acknowledged.
//! - [`faults`]: the catalogue of misbehaviour, armed by name.
//! - [`specs`]: every answer and webhook of a stand-in, and every request it receives, is checked against the published schema.
//! - [`canary`]: which hosts saw a token.
//! - [`journal`]: every request and its answer.
//! - [`signature`]: how webhooks are signed.
//!
//! Ports are chosen by the system; everything ends when the stand-in is dropped. Nothing here leaves the machine, except
//! that links are fetched wherever they point, as the real platforms would.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use attache_platforms::{delivery::MessageId, faults::{Fault, Times}};
//! use attache_platforms::{genesys::{AgentFile, Genesys, GenesysOptions}, whatsapp::{MediaFile, WhatsApp, WhatsAppOptions}};
//! use std::time::Duration;
//!
//! let whatsapp = WhatsApp::start(WhatsAppOptions::default()).await?;
//! let genesys = Genesys::start(GenesysOptions::default()).await?;
//! // … start the relay with whatsapp.graph_url(), genesys.login_url(), genesys.api_url() …
//! whatsapp.set_callback("http://127.0.0.1:8080/webhooks/demo".parse()?);
//! whatsapp.verify_callback().await?;
//! genesys.faults().arm(Fault::RateLimit, Times(2))?;
//! let photo = MediaFile::new(&b"\xff\xd8\xff"[..], "image/jpeg").captioned("Look");
//! whatsapp.customer().send_media(photo);
//! let seen = genesys.wait_for_messages(1, Duration::from_secs(10)).await?;
//! assert_eq!(seen[0].text.as_deref(), Some("Look"));
//! genesys.set_callback("http://127.0.0.1:8080/webhooks/agents".parse()?);
//! let answer = AgentFile::new(&b"\x89PNG"[..], "image/png").named("answer.png");
//! let answer = genesys.agent().send_file(&seen[0].from, answer, "Like this?")?;
//! whatsapp.read(&MessageId::new(&whatsapp.wait_for_sent(1, Duration::from_secs(10)).await?[0].id))?;
//! genesys.wait_for_final_receipt(&answer, Duration::from_secs(10)).await?;
//! # Ok(())
//! # }
//! ```

mod background;
pub mod canary;
pub mod clamd;
pub mod clock;
pub mod cxone;
pub mod delivery;
pub mod faults;
pub mod genesys;
pub mod journal;
pub mod messenger;
mod meta;
pub mod old_tls;
mod random;
mod seal;
mod serving;
pub mod signature;
pub mod specs;
mod spoil;
pub mod tls;
pub mod wait;
pub mod whatsapp;
mod wire;
