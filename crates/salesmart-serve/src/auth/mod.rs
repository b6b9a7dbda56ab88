//! Who somebody is: passwords and their verifiers.

mod scram;

use std::collections::BTreeMap;

use salesmart_config::Serve;
use salesmart_core::{Error, Result, Secret};
pub(crate) use scram::{Exchange, Refusal, Verifier};

/// What the server knows of its users' passwords: enough to check one, not enough to be one.
pub(crate) struct Passwords {
    verifiers: BTreeMap<String, Verifier>,
    /// From which verifiers of users that do not exist are made, so that nobody can tell them from
    /// those that do.
    pepper: [u8; 32],
}

impl Passwords {
    /// From the configuration. A password in clear becomes a verifier here, and is forgotten.
    pub(crate) fn new(config: &Serve) -> Result<Self> {
        let mut verifiers = BTreeMap::new();
        let mut problems = Vec::new();
        for (name, user) in &config.users {
            let Some(password) = &user.password else { continue };
            match Verifier::of_secret(password.value.expose()) {
                Ok(verifier) => {
                    verifiers.insert(name.clone(), verifier);
                }
                Err(error) => problems.push(error.at(password.location.clone())),
            }
        }
        match Error::many(problems) {
            Some(error) => Err(error),
            None => Ok(Self { verifiers, pepper: scram::random()? }),
        }
    }

    /// The verifier of a user. One that does not exist gets one that no password fits.
    pub(crate) fn verifier(&self, user: &str) -> Verifier {
        match self.verifiers.get(user) {
            Some(verifier) => verifier.clone(),
            None => Verifier::of_nobody(user, &self.pepper),
        }
    }

    /// Whether a password is that of the user. As long for a user who does not exist.
    pub(crate) fn is_right(&self, user: &str, password: &str) -> bool {
        let right = self.verifier(user).fits(password);
        right && self.verifiers.contains_key(user)
    }
}

/// A text that nobody can guess.
pub(crate) fn random_text() -> Result<String> {
    use base64::Engine as _;
    Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(scram::random::<32>()?))
}

/// What may lie in a file instead of a password: its verifier, as PostgreSQL writes it.
///
/// # Errors
/// When the machine gives no random numbers.
pub fn hash_password(password: &Secret) -> Result<String> {
    Verifier::new(password.expose()).map(|verifier| verifier.to_string())
}

/// A password that nobody can guess, in letters and digits.
///
/// # Errors
/// When the machine gives no random numbers.
pub fn one_time_password() -> Result<Secret> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let bytes: [u8; 20] = scram::random()?;
    let text: String =
        bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
    Ok(Secret::new(text))
}
