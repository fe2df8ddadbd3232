//! Reading what was written is the identity, for every type of the SDK that a request is read into or an answer is
//! written from: values of all their members, made up by the schemas themselves.

use aws_sdk_ecs::operation::{
    create_cluster::CreateClusterOutput, create_service::CreateServiceOutput,
    delete_cluster::DeleteClusterOutput, delete_service::DeleteServiceOutput,
    deregister_task_definition::DeregisterTaskDefinitionOutput,
    describe_task_definition::DescribeTaskDefinitionOutput,
    register_task_definition::RegisterTaskDefinitionOutput, run_task::RunTaskOutput,
    stop_task::StopTaskOutput, update_service::UpdateServiceOutput,
};
use aws_sdk_ecs::types::{Cluster, Failure, Service, ServiceEvent, Task, TaskDefinition};
use aws_sdk_servicediscovery::operation::create_service::CreateServiceOutput as CreateRegistryOutput;
use aws_sdk_servicediscovery::types::{Namespace, Service as Registry, ServiceSummary};
use aws_smithy_schema::Schema;
use aws_smithy_schema::serde::{SerdeError, ShapeDeserializer};
use aws_smithy_types::{BigDecimal, BigInteger, Blob, DateTime, Document, Number};
use proptest::prelude::*;
use proptest::test_runner::TestRng;

use super::inputs::{
    CreateClusterInput, CreateRegistryInput, CreateServiceInput, RegisterTaskDefinitionInput,
    RunTaskInput, UpdateServiceInput,
};
use super::read::{Input, input, read};
use super::validation::{Unknown, Validation};
use super::write::write;

input!(Cluster);
input!(Service);
input!(ServiceEvent);
input!(Task);
input!(TaskDefinition);
input!(Failure);
input!(Registry);
input!(ServiceSummary);
input!(Namespace);
input!(CreateClusterOutput);
input!(CreateServiceOutput);
input!(UpdateServiceOutput);
input!(DeleteClusterOutput);
input!(DeleteServiceOutput);
input!(RegisterTaskDefinitionOutput);
input!(DescribeTaskDefinitionOutput);
input!(DeregisterTaskDefinitionOutput);
input!(RunTaskOutput);
input!(StopTaskOutput);
input!(CreateRegistryOutput);

/// Makes up a value for whatever the SDK asks for.
struct Dreamer {
    rng: TestRng,
    /// The likelihood that a member is left out, in percent.
    absent: u32,
}

impl Dreamer {
    fn below(&mut self, bound: u32) -> u32 {
        self.rng.next_u32() % bound
    }

    fn text(&mut self) -> String {
        const LETTERS: [&str; 16] = [
            "a", "Z", "0", "-", "_", ".", " ", "\"", "\\", "/", "\n", "\u{0}", "é", "\u{202e}",
            "日", "🦀",
        ];
        (0..self.below(8))
            .map(|_| LETTERS[self.below(16) as usize])
            .collect()
    }

    fn document(&mut self, depth: u32) -> Document {
        match self.below(if depth == 0 { 6 } else { 8 }) {
            0 => Document::Null,
            1 => Document::Bool(self.below(2) == 0),
            2 => Document::Number(Number::PosInt(self.rng.next_u64())),
            3 => Document::Number(Number::NegInt(-i64::from(self.rng.next_u32()) - 1)),
            4 => Document::Number(Number::Float(f64::from(self.rng.next_u32()) + 0.5)),
            5 => Document::String(self.text()),
            6 => Document::Array(
                (0..self.below(3))
                    .map(|_| self.document(depth - 1))
                    .collect(),
            ),
            _ => Document::Object(
                (0..self.below(3))
                    .map(|_| (self.text(), self.document(depth - 1)))
                    .collect(),
            ),
        }
    }
}

type Dream<'d> = &'d mut dyn ShapeDeserializer;

impl ShapeDeserializer for Dreamer {
    fn read_struct(
        &mut self,
        schema: &Schema<'_>,
        state: &mut dyn FnMut(&Schema<'_>, Dream<'_>) -> Result<(), SerdeError>,
    ) -> Result<(), SerdeError> {
        // An environment variable is whole, or refused.
        let is_whole = schema.shape_id().shape_name() == "KeyValuePair";
        for member in schema.members() {
            if is_whole || self.below(100) >= self.absent {
                state(member, self)?;
            }
        }
        Ok(())
    }

    fn read_list(
        &mut self,
        _schema: &Schema<'_>,
        state: &mut dyn FnMut(Dream<'_>) -> Result<(), SerdeError>,
    ) -> Result<(), SerdeError> {
        (0..self.below(3)).try_for_each(|_| state(self))
    }

    fn read_map(
        &mut self,
        _schema: &Schema<'_>,
        state: &mut dyn FnMut(String, Dream<'_>) -> Result<(), SerdeError>,
    ) -> Result<(), SerdeError> {
        (0..self.below(3)).try_for_each(|_| {
            let key = self.text();
            state(key, self)
        })
    }

    fn read_boolean(&mut self, _schema: &Schema<'_>) -> Result<bool, SerdeError> {
        Ok(self.below(2) == 0)
    }

    fn read_byte(&mut self, _schema: &Schema<'_>) -> Result<i8, SerdeError> {
        Ok(self.rng.next_u32().to_le_bytes()[0].cast_signed())
    }

    fn read_short(&mut self, _schema: &Schema<'_>) -> Result<i16, SerdeError> {
        let [one, two, ..] = self.rng.next_u32().to_le_bytes();
        Ok(i16::from_le_bytes([one, two]))
    }

    fn read_integer(&mut self, _schema: &Schema<'_>) -> Result<i32, SerdeError> {
        Ok(self.rng.next_u32().cast_signed())
    }

    fn read_long(&mut self, _schema: &Schema<'_>) -> Result<i64, SerdeError> {
        Ok(self.rng.next_u64().cast_signed())
    }

    fn read_float(&mut self, _schema: &Schema<'_>) -> Result<f32, SerdeError> {
        Ok(f32::from(i8::from_le_bytes([self.rng.next_u32().to_le_bytes()[0]])) / 4.0)
    }

    fn read_double(&mut self, _schema: &Schema<'_>) -> Result<f64, SerdeError> {
        Ok(f64::from(self.rng.next_u32()) / 8.0)
    }

    fn read_big_integer(&mut self, _schema: &Schema<'_>) -> Result<BigInteger, SerdeError> {
        Ok(self
            .rng
            .next_u64()
            .to_string()
            .parse()
            .expect("digits are an integer"))
    }

    fn read_big_decimal(&mut self, _schema: &Schema<'_>) -> Result<BigDecimal, SerdeError> {
        Ok("1.5".parse().expect("digits are a number"))
    }

    fn read_string(&mut self, _schema: &Schema<'_>) -> Result<String, SerdeError> {
        Ok(self.text())
    }

    fn read_blob(&mut self, _schema: &Schema<'_>) -> Result<Blob, SerdeError> {
        Ok(Blob::new(self.text()))
    }

    fn read_timestamp(&mut self, _schema: &Schema<'_>) -> Result<DateTime, SerdeError> {
        Ok(DateTime::from_millis(
            i64::from(self.rng.next_u32()) * 1000 + i64::from(self.below(1000)),
        ))
    }

    fn read_document(&mut self, _schema: &Schema<'_>) -> Result<Document, SerdeError> {
        // `null` means absent.
        Ok(match self.document(3) {
            Document::Null => Document::Bool(true),
            other => other,
        })
    }

    fn is_null(&self) -> bool {
        false
    }

    fn container_size(&self) -> Option<usize> {
        None
    }
}

/// Makes up a value with most of its members, or with all, where the SDK demands one of those that are left out.
fn dream<T: Input>(rng: TestRng) -> T {
    let mut dreamer = Dreamer { rng, absent: 30 };
    T::deserialize(&mut dreamer).unwrap_or_else(|_| {
        dreamer.absent = 0;
        T::deserialize(&mut dreamer).expect("a value with all members is whole")
    })
}

fn is_read_as_it_was_written<T: Input + PartialEq + std::fmt::Debug>() {
    proptest!(ProptestConfig::with_cases(64), |(value in any::<()>().prop_perturb(|(), rng| dream::<T>(rng)))| {
        let written = write(&value).expect("a value of the SDK can be written");
        let mut validation = Validation::new(Unknown::Refuse);
        let again = read::<T>(&written, "", &mut validation);
        prop_assert_eq!(validation.finish_with(again), Ok((value, Vec::new())));
    });
}

#[test]
fn what_requests_are_read_into_is_read_as_it_was_written() {
    is_read_as_it_was_written::<CreateClusterInput>();
    is_read_as_it_was_written::<CreateServiceInput>();
    is_read_as_it_was_written::<UpdateServiceInput>();
    is_read_as_it_was_written::<RegisterTaskDefinitionInput>();
    is_read_as_it_was_written::<RunTaskInput>();
    is_read_as_it_was_written::<CreateRegistryInput>();
}

#[test]
fn what_answers_are_written_from_is_read_as_it_was_written() {
    is_read_as_it_was_written::<Cluster>();
    is_read_as_it_was_written::<Service>();
    is_read_as_it_was_written::<ServiceEvent>();
    is_read_as_it_was_written::<Task>();
    is_read_as_it_was_written::<TaskDefinition>();
    is_read_as_it_was_written::<Failure>();
    is_read_as_it_was_written::<Registry>();
    is_read_as_it_was_written::<ServiceSummary>();
    is_read_as_it_was_written::<Namespace>();
}

#[test]
fn whole_answers_of_aws_are_read_as_they_were_written() {
    is_read_as_it_was_written::<CreateClusterOutput>();
    is_read_as_it_was_written::<CreateServiceOutput>();
    is_read_as_it_was_written::<UpdateServiceOutput>();
    is_read_as_it_was_written::<DeleteClusterOutput>();
    is_read_as_it_was_written::<DeleteServiceOutput>();
    is_read_as_it_was_written::<RegisterTaskDefinitionOutput>();
    is_read_as_it_was_written::<DescribeTaskDefinitionOutput>();
    is_read_as_it_was_written::<DeregisterTaskDefinitionOutput>();
    is_read_as_it_was_written::<RunTaskOutput>();
    is_read_as_it_was_written::<StopTaskOutput>();
    is_read_as_it_was_written::<CreateRegistryOutput>();
}

proptest! {
    #[test]
    fn any_json_is_read_or_refused(text in "[\\[\\]{}\",:0-9a-z\\\\ \n]{0,64}", bytes in any::<Vec<u8>>()) {
        for input in [text.as_bytes(), &bytes] {
            if let Ok(value) = super::json::parse(input) {
                let mut validation = Validation::new(Unknown::Refuse);
                let input = read::<CreateServiceInput>(&value, "", &mut validation);
                prop_assert_eq!(input.is_ok(), validation.finish().is_ok());
            }
        }
    }
}
