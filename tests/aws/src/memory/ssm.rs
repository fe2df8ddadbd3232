//! Parameters of Systems Manager.

use serde_json::{Value, json};

use super::At;
use crate::answer::Refusal;
use crate::rules::parameters::{ALREADY_EXISTS, NOT_FOUND};
use crate::value::{text, texts};

/// A page of `GetParametersByPath`, at most
/// (<https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html>).
const PAGE: usize = 10;

impl At<'_> {
    pub(super) fn parameters(
        &mut self,
        name: &str,
        input: &Value,
    ) -> Option<Result<Value, Refusal>> {
        Some(match name {
            "PutParameter" => self.put_parameter(input),
            "GetParameter" => self.get_parameter(input),
            "GetParameters" => Ok(self.get_parameters(input)),
            "GetParametersByPath" => Ok(self.get_parameters_by_path(input)),
            "DeleteParameter" => self.delete_parameter(input),
            _ => return None,
        })
    }

    fn put_parameter(&mut self, input: &Value) -> Result<Value, Refusal> {
        let name = text(input, "Name").to_owned();
        let before = self.place.parameters.get(&name);
        if before.is_some() && input["Overwrite"] != true {
            return ALREADY_EXISTS.refuse();
        }
        let version = before
            .and_then(|before| before["Version"].as_u64())
            .unwrap_or(0)
            + 1;
        let arn = self.arn(
            "ssm",
            &format!("parameter/{}", name.trim_start_matches('/')),
        );
        let kind = input["Type"].as_str().unwrap_or("String");
        let parameter = json!({"Name": name, "Type": kind, "Value": input["Value"], "Version": version, "ARN": arn,
            "DataType": "text", "LastModifiedDate": self.clock.created_at()});
        self.place.parameters.insert(name, parameter);
        Ok(json!({"Version": version, "Tier": "Standard"}))
    }

    fn get_parameter(&self, input: &Value) -> Result<Value, Refusal> {
        let (name, version) = match text(input, "Name").rsplit_once(':') {
            Some((name, version)) => (name, Some(version)),
            None => (text(input, "Name"), None),
        };
        let found = self.place.parameters.get(name).filter(|found| {
            version.is_none_or(|version| {
                version
                    .parse()
                    .is_ok_and(|version: u64| found["Version"] == version)
            })
        });
        match found {
            Some(parameter) => Ok(json!({"Parameter": parameter})),
            None => NOT_FOUND.refuse(),
        }
    }

    fn get_parameters(&self, input: &Value) -> Value {
        let (found, missing): (Vec<_>, Vec<_>) =
            texts(input, "Names").partition(|name| self.place.parameters.contains_key(*name));
        let found: Vec<_> = found
            .into_iter()
            .map(|name| &self.place.parameters[name])
            .collect();
        json!({"Parameters": found, "InvalidParameters": missing})
    }

    fn get_parameters_by_path(&self, input: &Value) -> Value {
        let path = format!("{}/", text(input, "Path").trim_end_matches('/'));
        let is_below = |name: &str| {
            let rest = name.strip_prefix(path.as_str());
            rest.is_some_and(|rest| input["Recursive"] == true || !rest.contains('/'))
        };
        let size = input["MaxResults"]
            .as_u64()
            .and_then(|size| usize::try_from(size).ok());
        let size = size.unwrap_or(PAGE).min(PAGE);
        let begin = text(input, "NextToken");
        let below = self
            .place
            .parameters
            .iter()
            .filter(|(name, _)| is_below(name));
        let mut rest = below.skip_while(|(name, _)| name.as_str() < begin);
        let page: Vec<_> = rest.by_ref().take(size).map(|(_, value)| value).collect();
        let mut answer = json!({"Parameters": page});
        if let Some((next, _)) = rest.next() {
            answer["NextToken"] = next.as_str().into();
        }
        answer
    }

    fn delete_parameter(&mut self, input: &Value) -> Result<Value, Refusal> {
        match self.place.parameters.remove(text(input, "Name")) {
            Some(_) => Ok(json!({})),
            None => NOT_FOUND.refuse(),
        }
    }
}
