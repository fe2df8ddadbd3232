//! The requests of the document as a file that editors can send: `ecs-api.http`.

use std::fmt::Write as _;

use serde_json::Value;

/// Writes a collection in the format of the HTTP clients of IntelliJ and Visual Studio Code, from the document alone.
pub fn http(document: &Value) -> String {
    let mut text = format!(
        "# {}, one request for each operation of openapi.json, which this is generated from.\n\n\
         @url = http://127.0.0.1:9000/v1/ecs\n@token = demo-token\n",
        document["info"]["title"].as_str().unwrap_or_default(),
    );
    for (path, operations) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in operations.as_object().into_iter().flatten() {
            // Writing to a string can't fail.
            let _ = request(&mut text, path, method, operation);
        }
    }
    text
}

fn request(text: &mut String, path: &str, method: &str, operation: &Value) -> std::fmt::Result {
    let id = operation["operationId"].as_str().unwrap_or_default();
    let summary = operation["summary"].as_str().unwrap_or_default();
    writeln!(text, "\n### {summary}\n# @name {id}")?;
    let parameters = operation["parameters"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let mut path = path.to_owned();
    for parameter in parameters
        .iter()
        .filter(|parameter| parameter["in"] == "path")
    {
        let name = parameter["name"].as_str().unwrap_or_default();
        path = path.replace(
            &format!("{{{name}}}"),
            parameter["example"].as_str().unwrap_or_default(),
        );
    }
    let (required, optional): (Vec<_>, Vec<_>) = parameters
        .iter()
        .filter(|parameter| parameter["in"] == "query")
        .partition(|each| each["required"] == true);
    for parameter in optional {
        let name = parameter["name"].as_str().unwrap_or_default();
        writeln!(
            text,
            "# ?{name}= {}",
            parameter["description"].as_str().unwrap_or_default()
        )?;
    }
    write!(text, "{} {{{{url}}}}{path}", method.to_ascii_uppercase())?;
    for (index, parameter) in required.iter().enumerate() {
        let name = parameter["name"].as_str().unwrap_or_default();
        let example = parameter["example"].as_str().unwrap_or_default();
        write!(
            text,
            "{}{name}={example}",
            if index == 0 { '?' } else { '&' }
        )?;
    }
    writeln!(text)?;
    if operation["security"]
        .as_array()
        .is_none_or(|schemes| !schemes.is_empty())
    {
        writeln!(text, "X-Auth-Token: {{{{token}}}}")?;
    }
    if let Some(example) = operation.pointer("/requestBody/content/application~1json/example") {
        writeln!(text, "Content-Type: application/json\n\n{example:#}")?;
    }
    Ok(())
}
