//! What can be wrong with a template, said so that the reader finds the line.

use std::path::PathBuf;

/// Why a template could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The file could not be opened.
    #[error("cannot read the template {}", path.display())]
    Read {
        /// The file asked for.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The text is not YAML.
    #[error("the template is not valid YAML")]
    Yaml(#[from] serde_yaml_ng::Error),
    /// A parameter is missing, unknown, or has a value the template forbids.
    #[error("parameter {name}: {problem}")]
    Parameter {
        /// The parameter's name.
        name: String,
        /// What was expected.
        problem: String,
    },
    /// A property of a resource has a shape this reader does not understand.
    #[error("{logical_id}: {property}: {problem}")]
    Property {
        /// The resource's logical id (or the section's name, e.g. `Globals`).
        logical_id: String,
        /// The path of the property inside the resource, joined by dots.
        property: String,
        /// What was expected or found.
        problem: String,
    },
}

/// Where in the template a value stands: a logical id and a dotted property path.
///
/// Carried along while values are resolved, so that every error can name both.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    logical_id: String,
    property: String,
}

impl Place {
    /// The resource itself.
    pub(crate) fn resource(logical_id: &str) -> Self {
        Self {
            logical_id: logical_id.to_owned(),
            property: String::new(),
        }
    }

    /// One property further in.
    pub(crate) fn at(&self, name: impl std::fmt::Display) -> Self {
        let property = match self.property.is_empty() {
            true => name.to_string(),
            false => format!("{}.{name}", self.property),
        };
        Self {
            logical_id: self.logical_id.clone(),
            property,
        }
    }

    /// An error at this place.
    pub(crate) fn error(&self, problem: impl Into<String>) -> TemplateError {
        TemplateError::Property {
            logical_id: self.logical_id.clone(),
            property: match self.property.is_empty() {
                true => "(resource)".to_owned(),
                false => self.property.clone(),
            },
            problem: problem.into(),
        }
    }
}
