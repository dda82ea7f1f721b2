//! Whether a service accepts an account, asked before it is stored.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use reqwest::header::AUTHORIZATION;
use url::Url;

use crate::error::shown;
use crate::http::accounts::{authorization, is_private};
use crate::http::{Ask, Body};
use crate::{Access, AccessError, Account, Service};

/// What a service says to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// It accepts it.
    Accepted,
    /// It has nothing that could be asked.
    CannotTell,
}

impl Access {
    /// Asks a service whether it accepts an account. AVISO, and Earthdata of a token, cannot be asked.
    ///
    /// # Errors
    /// [`AccessError::SignIn`] if it does not; or if it cannot be reached.
    pub fn check(&self, service: Service, account: &Account) -> Result<Checked, AccessError> {
        let Account::Password { user, password } = account else {
            return Ok(Checked::CannotTell);
        };
        let base = self.settings.url(service.address())?;
        let path = match service {
            Service::Aviso => return Ok(Checked::CannotTell),
            Service::Podaac => "api/users/find_or_create_token",
            Service::Cmems => "realms/MIS/protocol/openid-connect/token",
        };
        let url = base
            .join(path)
            .map_err(|error| AccessError::option(service.address(), error.to_string()))?;
        if !is_private(&url) {
            return Err(AccessError::refused(
                &url,
                "an account would go to it unencrypted: use https",
            ));
        }
        let mut ask = Ask::get(&url);
        ask.method = Method::POST;
        if service == Service::Podaac {
            ask.secret = Some((AUTHORIZATION, authorization(account, &url)?));
            ask.body = Some(Body::Form(String::new()));
        } else {
            let word = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
            let (user, password) = (word(user), word(password.reveal()));
            ask.body = Some(Body::Form(format!(
                "client_id=toolbox&grant_type=password&scope=openid%20profile%20email&username={user}&password={password}"
            )));
        }
        self.runtime.block_on(self.ask_login(service, &url, &ask))
    }

    async fn ask_login(&self, service: Service, url: &Url, ask: &Ask) -> Result<Checked, AccessError> {
        let refused = |reason: &str| AccessError::SignIn {
            url: shown(url),
            service,
            reason: reason.to_owned(),
        };
        let reply = self.http.once(ask).await?;
        let status = reply.status();
        let body = reply.body(1 << 20).await?;
        let answer: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        match status {
            200 | 201 if answer.get("access_token").is_some() => Ok(Checked::Accepted),
            200 | 201 => Err(AccessError::answer(url, "not the answer of a login")),
            // Earthdata has a limit of tokens that live at a time; the account is fine.
            400 | 403
                if answer
                    .get("error")
                    .is_some_and(|error| error == "max_token_limit") =>
            {
                Ok(Checked::Accepted)
            }
            400 | 401 | 403 => Err(refused("it does not accept this name and password")),
            status => Err(AccessError::Status {
                url: shown(url),
                status,
                message: String::new(),
                retry_after: None,
            }),
        }
    }
}
