//! SCRAM-SHA-256 (RFC 5802, RFC 7677), the server's side.
//!
//! pgwire's own wants what is as good as the password itself; this one keeps what PostgreSQL keeps:
//! a verifier that can check a password and cannot be used as one.

use std::fmt;

use aws_lc_rs::{constant_time, digest, hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pgwire::api::auth::sasl::scram::gen_salted_password;
use salesmart_core::{Error, ErrorKind, Result};

/// The rounds of a verifier that is made here: PostgreSQL's number.
const ITERATIONS: u32 = 4096;
/// The most rounds that a verifier may ask of a client.
const MOST_ITERATIONS: u32 = 1_000_000;
const PREFIX: &str = "SCRAM-SHA-256$";

/// What the server knows of a password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Verifier {
    iterations: u32,
    salt: Vec<u8>,
    stored_key: [u8; 32],
    server_key: [u8; 32],
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier(***)")
    }
}

/// As PostgreSQL writes it into `pg_authid.rolpassword`.
impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{PREFIX}{}:{}${}:{}",
            self.iterations,
            STANDARD.encode(&self.salt),
            STANDARD.encode(self.stored_key),
            STANDARD.encode(self.server_key)
        )
    }
}

/// Random bytes.
pub(super) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| {
        Error::new(ErrorKind::SourceUnavailable, "the machine gives no random numbers")
    })?;
    Ok(bytes)
}

fn sign(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut signature = [0; 32];
    signature.copy_from_slice(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref());
    signature
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    let mut hashed = [0; 32];
    hashed.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    hashed
}

impl Verifier {
    /// Of a password, with a salt of its own.
    pub(crate) fn new(password: &str) -> Result<Self> {
        Ok(Self::salted(password, &random::<16>()?, ITERATIONS))
    }

    fn salted(password: &str, salt: &[u8], iterations: u32) -> Self {
        let salted = gen_salted_password(password, salt, iterations as usize);
        Self {
            iterations,
            salt: salt.to_vec(),
            stored_key: hash(&sign(&salted, b"Client Key")),
            server_key: sign(&salted, b"Server Key"),
        }
    }

    /// Of what a person configured: a verifier as it is, or a password in clear.
    pub(super) fn of_secret(secret: &str) -> Result<Self> {
        if !secret.starts_with(PREFIX) {
            return Self::new(secret);
        }
        Self::parse(secret).ok_or_else(|| {
            Error::configuration("a password's verifier is damaged")
                .with(
                    "expected",
                    "`SCRAM-SHA-256$<rounds>:<salt>$<key>:<key>`, with at least 4096 rounds",
                )
                .with_hint("make it anew with `salesmart serve hash-password`")
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let (head, keys) = text.strip_prefix(PREFIX)?.split_once('$')?;
        let (iterations, salt) = head.split_once(':')?;
        let (stored, server) = keys.split_once(':')?;
        let key = |text: &str| <[u8; 32]>::try_from(STANDARD.decode(text).ok()?).ok();
        let iterations = iterations.parse().ok()?;
        let salt = STANDARD.decode(salt).ok()?;
        (ITERATIONS..=MOST_ITERATIONS).contains(&iterations).then_some(())?;
        Some(Self { iterations, salt, stored_key: key(stored)?, server_key: key(server)? })
    }

    /// Of a user who does not exist: the same each time, and fitting no password.
    pub(super) fn of_nobody(user: &str, pepper: &[u8; 32]) -> Self {
        let salt = sign(pepper, user.as_bytes());
        Self {
            iterations: ITERATIONS,
            salt: salt[..16].to_vec(),
            stored_key: sign(pepper, &salt),
            server_key: hash(&sign(pepper, &salt)),
        }
    }

    /// Whether a password that came in clear, over an encrypted connection, is the right one.
    pub(super) fn fits(&self, password: &str) -> bool {
        let made = Self::salted(password, &self.salt, self.iterations);
        constant_time::verify_slices_are_equal(&made.stored_key, &self.stored_key).is_ok()
    }
}

/// A conversation in which a client proves to know a password.
#[derive(Debug)]
pub(crate) struct Exchange {
    verifier: Verifier,
    /// The client's first message without its head, and ours.
    so_far: String,
    /// The head of the client's first message, in base64: it says again what it said first.
    head: String,
    nonce: String,
}

/// Why a conversation ends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// What was sent is no SCRAM.
    Malformed(&'static str),
    /// The password is not that of the user.
    Wrong,
}

impl Exchange {
    /// Answers a client's first message.
    pub(crate) fn begin(verifier: Verifier, message: &[u8]) -> Result<(Self, String), Refusal> {
        let nonce: [u8; 18] = random().map_err(|_| Refusal::Malformed("no random numbers"))?;
        Self::begin_with(verifier, message, &STANDARD.encode(nonce))
    }

    fn begin_with(
        verifier: Verifier,
        message: &[u8],
        own_nonce: &str,
    ) -> Result<(Self, String), Refusal> {
        let malformed = Refusal::Malformed;
        let text = std::str::from_utf8(message).map_err(|_| malformed("not UTF-8"))?;
        // The user is who the start-up packet says; `n=` is empty with libpq, and not looked at.
        let mut parts = text.splitn(3, ',');
        let (binding, identity, bare) = match (parts.next(), parts.next(), parts.next()) {
            (Some(binding), Some(identity), Some(bare)) => (binding, identity, bare),
            _ => return Err(malformed("the client's first message lacks its head")),
        };
        match binding {
            // `y`: the client could bind, and believes that the server cannot. That is so.
            "n" | "y" => {}
            _ => return Err(malformed("channel binding was not offered")),
        }
        if !identity.is_empty() {
            return Err(malformed("nobody may act for somebody else"));
        }
        let mut attributes = bare.split(',');
        let name = attributes.next().unwrap_or_default();
        if !name.starts_with("n=") {
            return Err(malformed("the client's first message has no name"));
        }
        let nonce = attributes.next().and_then(|nonce| nonce.strip_prefix("r="));
        let Some(nonce) = nonce.filter(|n| (8..=256).contains(&n.len()) && n.is_ascii()) else {
            return Err(malformed("the client's nonce is missing, too short or too long"));
        };
        let nonce = format!("{nonce}{own_nonce}");
        let answer =
            format!("r={nonce},s={},i={}", STANDARD.encode(&verifier.salt), verifier.iterations);
        let exchange = Self {
            so_far: format!("{bare},{answer}"),
            head: STANDARD.encode(format!("{binding},{identity},")),
            verifier,
            nonce,
        };
        Ok((exchange, answer))
    }

    /// Answers a client's last message: with the proof that the server knows the password too.
    pub(crate) fn finish(self, message: &[u8]) -> Result<String, Refusal> {
        let malformed = Refusal::Malformed;
        let text = std::str::from_utf8(message).map_err(|_| malformed("not UTF-8"))?;
        let (without_proof, proof) =
            text.rsplit_once(",p=").ok_or(malformed("the client's last message has no proof"))?;
        let mut attributes = without_proof.split(',');
        let head = attributes.next().and_then(|head| head.strip_prefix("c="));
        if head != Some(self.head.as_str()) {
            return Err(malformed("the client's head has changed"));
        }
        let nonce = attributes.next().and_then(|nonce| nonce.strip_prefix("r="));
        if nonce != Some(self.nonce.as_str()) {
            return Err(malformed("the nonce has changed"));
        }
        let proof: [u8; 32] = STANDARD
            .decode(proof)
            .ok()
            .and_then(|proof| proof.try_into().ok())
            .ok_or(malformed("the proof is not 32 bytes in base64"))?;
        let said = format!("{},{without_proof}", self.so_far);
        let signature = sign(&self.verifier.stored_key, said.as_bytes());
        let mut client_key = proof;
        for (byte, mask) in client_key.iter_mut().zip(signature) {
            *byte ^= mask;
        }
        constant_time::verify_slices_are_equal(&hash(&client_key), &self.verifier.stored_key)
            .map_err(|_| Refusal::Wrong)?;
        let own = sign(&self.verifier.server_key, said.as_bytes());
        Ok(format!("v={}", STANDARD.encode(own)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The example of RFC 7677, section 3.
    #[test]
    fn the_example_of_the_standard_holds() {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let verifier = Verifier::salted("pencil", &salt, 4096);
        let (exchange, first) = Exchange::begin_with(
            verifier,
            b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
            "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
        )
        .unwrap();
        assert_eq!(
            first,
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
        );
        let last = exchange
            .finish(
                b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                  p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            )
            .unwrap();
        assert_eq!(last, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }

    #[test]
    fn a_verifier_reads_as_it_is_written_and_shows_nothing() {
        let verifier = Verifier::new("hunter2").unwrap();
        let text = verifier.to_string();
        assert_eq!(Verifier::of_secret(&text).unwrap(), verifier);
        assert!(verifier.fits("hunter2") && !verifier.fits("hunter3"));
        assert!(!format!("{verifier:?}").contains(&text[20..30]));
        let damaged = "SCRAM-SHA-256$4096:c2FsdA==$bm9rZXk=:bm9rZXk=";
        assert!(Verifier::of_secret(damaged).is_err());
        assert!(Verifier::of_secret(&text.replace("$4096:", "$10:")).is_err(), "too few rounds");
    }

    #[test]
    fn a_wrong_password_and_a_replayed_nonce_are_refused() {
        let first = b"n,,n=,r=abcdefghijkl".as_slice();
        let begin = || {
            Exchange::begin_with(Verifier::salted("right", b"salt", 4096), first, "0123").unwrap()
        };
        let proof = STANDARD.encode([7; 32]);
        let last = format!("c=biws,r=abcdefghijkl0123,p={proof}");
        assert_eq!(begin().0.finish(last.as_bytes()), Err(Refusal::Wrong));
        for (last, why) in [
            (format!("c=biws,r=abcdefghijkl,p={proof}"), "the client's nonce alone"),
            (format!("c=eSws,r=abcdefghijkl0123,p={proof}"), "another head"),
            ("c=biws,r=abcdefghijkl0123".to_owned(), "no proof"),
            ("c=biws,r=abcdefghijkl0123,p=short".to_owned(), "a short proof"),
        ] {
            assert!(
                matches!(begin().0.finish(last.as_bytes()), Err(Refusal::Malformed(_))),
                "{why}"
            );
        }
    }

    #[test]
    fn a_user_who_does_not_exist_looks_like_one_who_does() {
        let pepper = [3; 32];
        let first = Verifier::of_nobody("eve", &pepper);
        assert_eq!(first, Verifier::of_nobody("eve", &pepper), "the same salt each time");
        assert_ne!(first.salt, Verifier::of_nobody("mallory", &pepper).salt);
        assert_eq!(first.salt.len(), Verifier::new("x").unwrap().salt.len());
    }

    proptest! {
        #[test]
        fn whatever_is_sent_is_answered_or_refused(
            first in prop::collection::vec(any::<u8>(), 0..80),
            last in prop::collection::vec(any::<u8>(), 0..80),
        ) {
            let verifier = Verifier::salted("x", b"salt", 1);
            prop_assert!(Exchange::begin_with(verifier.clone(), &first, "0").is_err());
            let (exchange, _) =
                Exchange::begin_with(verifier, b"n,,n=,r=abcdefgh", "0").expect("is well-formed");
            prop_assert!(exchange.finish(&last).is_err());
        }
    }
}
