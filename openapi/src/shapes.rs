//! The shapes of the SDK's types, found by feeding every member once.
//!
//! A member's schema says its kind, but not what a structure, a list or a map holds. The SDK's own code knows: it asks a
//! [`ShapeDeserializer`] for one thing after the other. [`Walker`] answers each with a default and writes down what was
//! asked for. A structure that is known already is not walked again, so that a type may contain itself.

use std::collections::BTreeMap;

use aws_smithy_schema::Schema;
use aws_smithy_schema::serde::{SerdeError, ShapeDeserializer};
use aws_smithy_types::{BigDecimal, BigInteger, Blob, DateTime, Document};
use ecs_api::wire::outputs::Walk;

/// The kind of a member's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The structure of this id, one of [`Shapes`].
    Structure(String),
    List(Box<Shape>),
    /// From strings to these.
    Map(Box<Shape>),
    Boolean,
    /// Of so many bits.
    Integer(u32),
    Number,
    Text,
    /// Bytes, in base64.
    Blob,
    Timestamp,
    /// Any JSON.
    Document,
}

/// A structure, with its members in AWS's order and under AWS's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Structure {
    pub name: String,
    pub members: Vec<(String, Shape)>,
}

/// Every structure that was met, by its id.
#[derive(Debug, Default)]
pub(crate) struct Shapes(BTreeMap<String, Structure>);

impl Shapes {
    /// Walks a type with everything in it.
    pub fn walk(&mut self, walk: Walk) -> Shape {
        Walker::watch(self, |walker| walk(walker))
    }

    /// Returns the structure of an id that a walk has found.
    pub fn structure(&self, id: &str) -> &Structure {
        self.0
            .get(id)
            .unwrap_or_else(|| panic!("no walk has found `{id}`"))
    }
}

/// Answers every question of the SDK's code with a default, and remembers what it was.
struct Walker<'s> {
    shapes: &'s mut Shapes,
    found: Option<Shape>,
}

impl Walker<'_> {
    /// Lets the SDK's code ask for one value. What it makes of the default does not matter: an empty text may be no
    /// value of an enumeration, and a structure that was walked before has no members now.
    fn watch(
        shapes: &mut Shapes,
        consume: impl FnOnce(&mut dyn ShapeDeserializer) -> Result<(), SerdeError>,
    ) -> Shape {
        let mut walker = Walker {
            shapes,
            found: None,
        };
        let _ = consume(&mut walker);
        walker.found.expect("the SDK's code asks for a value")
    }

    fn find<T: Default>(&mut self, shape: Shape) -> T {
        self.found = Some(shape);
        T::default()
    }
}

impl ShapeDeserializer for Walker<'_> {
    fn read_struct(
        &mut self,
        schema: &Schema<'_>,
        state: &mut dyn FnMut(&Schema<'_>, &mut dyn ShapeDeserializer) -> Result<(), SerdeError>,
    ) -> Result<(), SerdeError> {
        let id = schema.shape_id();
        let (name, id) = (id.shape_name().to_owned(), id.as_str().to_owned());
        self.found = Some(Shape::Structure(id.clone()));
        if self.shapes.0.contains_key(&id) {
            return Ok(());
        }
        self.shapes.0.insert(
            id.clone(),
            Structure {
                name: name.clone(),
                members: Vec::new(),
            },
        );
        let mut members = Vec::new();
        for member in schema.members() {
            let name = member.member_name().unwrap_or_default().to_owned();
            members.push((
                name,
                Self::watch(self.shapes, |walker| state(member, walker)),
            ));
        }
        self.shapes.0.insert(id, Structure { name, members });
        Ok(())
    }

    fn read_list(
        &mut self,
        _schema: &Schema<'_>,
        state: &mut dyn FnMut(&mut dyn ShapeDeserializer) -> Result<(), SerdeError>,
    ) -> Result<(), SerdeError> {
        let element = Self::watch(self.shapes, state);
        self.found = Some(Shape::List(Box::new(element)));
        Ok(())
    }

    fn read_map(
        &mut self,
        _schema: &Schema<'_>,
        state: &mut dyn FnMut(String, &mut dyn ShapeDeserializer) -> Result<(), SerdeError>,
    ) -> Result<(), SerdeError> {
        let value = Self::watch(self.shapes, |walker| state(String::new(), walker));
        self.found = Some(Shape::Map(Box::new(value)));
        Ok(())
    }

    fn read_boolean(&mut self, _schema: &Schema<'_>) -> Result<bool, SerdeError> {
        Ok(self.find(Shape::Boolean))
    }

    fn read_byte(&mut self, _schema: &Schema<'_>) -> Result<i8, SerdeError> {
        Ok(self.find(Shape::Integer(i8::BITS)))
    }

    fn read_short(&mut self, _schema: &Schema<'_>) -> Result<i16, SerdeError> {
        Ok(self.find(Shape::Integer(i16::BITS)))
    }

    fn read_integer(&mut self, _schema: &Schema<'_>) -> Result<i32, SerdeError> {
        Ok(self.find(Shape::Integer(i32::BITS)))
    }

    fn read_long(&mut self, _schema: &Schema<'_>) -> Result<i64, SerdeError> {
        Ok(self.find(Shape::Integer(i64::BITS)))
    }

    fn read_float(&mut self, _schema: &Schema<'_>) -> Result<f32, SerdeError> {
        Ok(self.find(Shape::Number))
    }

    fn read_double(&mut self, _schema: &Schema<'_>) -> Result<f64, SerdeError> {
        Ok(self.find(Shape::Number))
    }

    fn read_big_integer(&mut self, _schema: &Schema<'_>) -> Result<BigInteger, SerdeError> {
        Ok(self.find(Shape::Integer(u32::MAX)))
    }

    fn read_big_decimal(&mut self, _schema: &Schema<'_>) -> Result<BigDecimal, SerdeError> {
        Ok(self.find(Shape::Number))
    }

    fn read_string(&mut self, _schema: &Schema<'_>) -> Result<String, SerdeError> {
        Ok(self.find(Shape::Text))
    }

    fn read_blob(&mut self, _schema: &Schema<'_>) -> Result<Blob, SerdeError> {
        self.found = Some(Shape::Blob);
        Ok(Blob::new([]))
    }

    fn read_timestamp(&mut self, _schema: &Schema<'_>) -> Result<DateTime, SerdeError> {
        self.found = Some(Shape::Timestamp);
        Ok(DateTime::from_secs(0))
    }

    fn read_document(&mut self, _schema: &Schema<'_>) -> Result<Document, SerdeError> {
        self.found = Some(Shape::Document);
        Ok(Document::Null)
    }

    fn is_null(&self) -> bool {
        false
    }

    fn container_size(&self) -> Option<usize> {
        None
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::{Cluster, ContainerDefinition};

    use super::*;

    #[test]
    fn a_walk_finds_every_member_of_every_structure() {
        let mut shapes = Shapes::default();
        let Shape::Structure(id) =
            shapes.walk(|source| ContainerDefinition::deserialize(source).map(drop))
        else {
            panic!("a structure")
        };
        let container = shapes.structure(&id);
        let names: Vec<_> = ContainerDefinition::SCHEMA
            .members()
            .iter()
            .map(|member| member.member_name())
            .collect();
        assert_eq!(
            container
                .members
                .iter()
                .map(|(name, _)| Some(name.as_str()))
                .collect::<Vec<_>>(),
            names
        );
        let shape = |name: &str| {
            container
                .members
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, shape)| shape)
        };
        assert_eq!(shape("cpu"), Some(&Shape::Integer(32)));
        assert_eq!(shape("links"), Some(&Shape::List(Box::new(Shape::Text))));
        assert_eq!(
            shape("dockerLabels"),
            Some(&Shape::Map(Box::new(Shape::Text)))
        );
        let mappings = Shape::Structure("com.amazonaws.ecs#PortMapping".to_owned());
        assert_eq!(
            shape("portMappings"),
            Some(&Shape::List(Box::new(mappings)))
        );
        assert_eq!(
            shapes.structure("com.amazonaws.ecs#PortMapping").members[0].0,
            "containerPort"
        );
    }

    #[test]
    fn a_type_that_contains_itself_is_walked_once() {
        fn itself(source: &mut dyn ShapeDeserializer) -> Result<(), SerdeError> {
            source.read_struct(
                Cluster::SCHEMA,
                &mut |member, source| match member.member_index() {
                    Some(0) => itself(source),
                    _ => source.read_string(member).map(drop),
                },
            )
        }
        let mut shapes = Shapes::default();
        let cluster = shapes.walk(itself);
        assert_eq!(
            cluster,
            Shape::Structure("com.amazonaws.ecs#Cluster".to_owned())
        );
        assert_eq!(
            shapes.structure("com.amazonaws.ecs#Cluster").members[0].1,
            cluster
        );
    }
}
