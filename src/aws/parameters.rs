//! AWS Systems Manager: the configuration's parameters, in the function's own account.

use std::collections::BTreeMap;

use aws_config::SdkConfig;

use super::accounts::bounded;
use super::queue::OWN_ROLE;
use super::{Error, Kind};
use crate::config::{ParameterName, Texts, VERSION};

/// The most attempts to read a path while somebody changes what is below it.
const READINGS_MAX: usize = 2;

/// Parameters with the configuration.
#[derive(Debug)]
pub struct Parameters {
    ssm: aws_sdk_ssm::Client,
    name: ParameterName,
}

/// The parameters can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// AWS refused.
    #[error("`{name}`: {source}")]
    Aws {
        /// The parameter or the path.
        name: String,
        /// AWS's words.
        source: Error,
    },
    /// Somebody changed them as often as they were read.
    #[error("`{0}`: its parameters changed while they were read")]
    Unsettled(String),
}

/// A parameter's text, and the number that it gets with each change.
#[derive(PartialEq, Eq)]
struct Parameter {
    number: i64,
    text: String,
}

impl Parameters {
    /// Takes the parameter's or the path's name, and the function's own SDK configuration. Calls nothing.
    pub fn new(name: ParameterName, function: SdkConfig) -> Self {
        let ssm = aws_sdk_ssm::Client::new(&bounded(function));
        Self { ssm, name }
    }

    /// Returns the parameter's or the path's name.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Reads the parameter, or all of the path. A reading of a path whose `version` changed meanwhile is read once more.
    ///
    /// # Errors
    /// [`ReadError`] if AWS refuses, or if `version` changed a second time.
    pub async fn read(&self) -> Result<Texts, ReadError> {
        if !self.name.is_path() {
            let parameter = self.get_parameter(self.name()).await;
            let parameter = parameter.map_err(|error| self.unread(error))?;
            return Ok(Texts::Whole(parameter.text.into_bytes()));
        }
        let mut before = self.version().await?;
        for _ in 0..READINGS_MAX {
            let parts = self.get_parameters_by_path().await;
            let parts = parts.map_err(|error| self.unread(error))?;
            let after = self.version().await?;
            if before == after {
                return Ok(Texts::Parts(parts));
            }
            before = after;
        }
        Err(ReadError::Unsettled(self.name().to_owned()))
    }

    /// Returns the path's `version`; `None` if there is none.
    async fn version(&self) -> Result<Option<Parameter>, ReadError> {
        match self
            .get_parameter(&format!("{}{VERSION}", self.name()))
            .await
        {
            Ok(version) => Ok(Some(version)),
            Err(error) if error.kind == Kind::NotFound => Ok(None),
            Err(error) => Err(self.unread(error)),
        }
    }

    /// `ssm:GetParameter`.
    async fn get_parameter(&self, name: &str) -> Result<Parameter, Error> {
        const OPERATION: &str = "ssm:GetParameter";
        let call = self.ssm.get_parameter().name(name).with_decryption(true);
        let answer = call
            .send()
            .await
            .map_err(|error| Error::from_sdk(OPERATION, OWN_ROLE, error))?;
        let parameter = answer.parameter;
        let number = parameter.as_ref().map(|parameter| parameter.version);
        let text = parameter.and_then(|parameter| parameter.value);
        match (number, text) {
            (Some(number), Some(text)) => Ok(Parameter { number, text }),
            _ => Err(Error::nonsense(OPERATION, OWN_ROLE, "Value")),
        }
    }

    /// `ssm:GetParametersByPath`, every page: the texts by their names below the path.
    async fn get_parameters_by_path(&self) -> Result<BTreeMap<String, String>, Error> {
        const OPERATION: &str = "ssm:GetParametersByPath";
        let (mut texts, mut next) = (BTreeMap::new(), None);
        loop {
            let call = self
                .ssm
                .get_parameters_by_path()
                .path(self.name())
                .recursive(true)
                .with_decryption(true)
                .set_next_token(next);
            let page = call
                .send()
                .await
                .map_err(|error| Error::from_sdk(OPERATION, OWN_ROLE, error))?;
            for parameter in page.parameters.unwrap_or_default() {
                let (Some(name), Some(text)) = (parameter.name, parameter.value) else {
                    return Err(Error::nonsense(OPERATION, OWN_ROLE, "Value"));
                };
                let name = name.strip_prefix(self.name()).unwrap_or(&name);
                texts.insert(name.to_owned(), text);
            }
            next = page.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(texts);
            }
        }
    }

    fn unread(&self, source: Error) -> ReadError {
        ReadError::Aws {
            name: self.name().to_owned(),
            source,
        }
    }
}
