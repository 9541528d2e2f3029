//! `types`: conditions, values, errors.

use wasmtime::component::Resource;

use crate::request::{Comparison, Condition, Fault, Join, Problem, Timestamp, Value};

use super::super::guest::State;
use super::super::tree::Tree;
use super::Refusal;
use super::bindings::besom::cleanup::types as wit;

impl wit::Host for State {
    fn convert_error(&mut self, refusal: Refusal) -> wasmtime::Result<wit::Error> {
        match refusal {
            Refusal::Fault(fault) => Ok(error(fault)),
            Refusal::Stop(error) => Err(error),
        }
    }
}

type Handle = Resource<Tree>;

impl State {
    fn keep(&mut self, tree: Tree) -> wasmtime::Result<Handle> {
        Ok(self.table.push(tree)?)
    }

    fn leaf(&mut self, import: &'static str, condition: Condition) -> wasmtime::Result<Handle> {
        self.enter(import)?;
        let tree = Tree::leaf(condition, &self.limits);
        self.keep(tree)
    }

    /// Takes a condition out of the guest's hands.
    pub(super) fn take(&mut self, condition: Handle) -> wasmtime::Result<Tree> {
        Ok(self.table.delete(condition)?)
    }

    fn take_some(&mut self, condition: Option<Handle>) -> wasmtime::Result<Option<Tree>> {
        condition.map(|condition| self.take(condition)).transpose()
    }

    fn take_all(&mut self, conditions: Vec<Handle>) -> wasmtime::Result<Vec<Tree>> {
        conditions
            .into_iter()
            .map(|condition| self.take(condition))
            .collect()
    }
}

impl wit::HostCondition for State {
    async fn compare(
        &mut self,
        column: String,
        operator: wit::Comparison,
        to: wit::Value,
    ) -> wasmtime::Result<Handle> {
        let (operator, to) = (comparison(operator), value(to));
        self.leaf(
            "condition.compare",
            Condition::Compare {
                column,
                operator,
                to,
            },
        )
    }

    async fn compare_columns(
        &mut self,
        column: String,
        operator: wit::Comparison,
        to: String,
    ) -> wasmtime::Result<Handle> {
        let operator = comparison(operator);
        self.leaf(
            "condition.compare-columns",
            Condition::CompareColumns {
                column,
                operator,
                to,
            },
        )
    }

    async fn older_than(
        &mut self,
        column: String,
        cutoff: i64,
        offset: i64,
    ) -> wasmtime::Result<Handle> {
        let cutoff = Timestamp(cutoff);
        self.leaf(
            "condition.older-than",
            Condition::OlderThan {
                column,
                cutoff,
                offset,
            },
        )
    }

    async fn id_older_than(&mut self, column: String, cutoff: i64) -> wasmtime::Result<Handle> {
        let cutoff = Timestamp(cutoff);
        self.leaf(
            "condition.id-older-than",
            Condition::IdOlderThan { column, cutoff },
        )
    }

    async fn is_null(&mut self, column: String) -> wasmtime::Result<Handle> {
        self.leaf("condition.is-null", Condition::IsNull { column })
    }

    async fn is_not_null(&mut self, column: String) -> wasmtime::Result<Handle> {
        self.leaf("condition.is-not-null", Condition::IsNotNull { column })
    }

    async fn one_of(
        &mut self,
        column: String,
        values: Vec<wit::Value>,
    ) -> wasmtime::Result<Handle> {
        self.enter("condition.one-of")?;
        let values = values.into_iter().map(value).collect();
        let tree = Tree::one_of(column, values, &self.limits);
        self.keep(tree)
    }

    async fn starts_with(&mut self, column: String, prefix: String) -> wasmtime::Result<Handle> {
        self.leaf(
            "condition.starts-with",
            Condition::StartsWith { column, prefix },
        )
    }

    async fn exists(
        &mut self,
        table: String,
        on: Vec<wit::Join>,
        matching: Option<Handle>,
    ) -> wasmtime::Result<Handle> {
        self.enter("condition.exists")?;
        let matching = self.take_some(matching)?;
        let tree = Tree::related(joins(on), matching, &self.limits, |on, matching| {
            Condition::Exists {
                table,
                on,
                matching,
            }
        });
        self.keep(tree)
    }

    async fn not_exists(
        &mut self,
        table: String,
        on: Vec<wit::Join>,
        matching: Option<Handle>,
    ) -> wasmtime::Result<Handle> {
        self.enter("condition.not-exists")?;
        let matching = self.take_some(matching)?;
        let tree = Tree::related(joins(on), matching, &self.limits, |on, matching| {
            Condition::NotExists {
                table,
                on,
                matching,
            }
        });
        self.keep(tree)
    }

    async fn beyond_newest(
        &mut self,
        group_by: Vec<String>,
        order_by: String,
        keep: u32,
    ) -> wasmtime::Result<Handle> {
        let condition = Condition::BeyondNewest {
            group_by,
            order_by,
            keep,
        };
        self.leaf("condition.beyond-newest", condition)
    }

    async fn all(&mut self, of: Vec<Handle>) -> wasmtime::Result<Handle> {
        self.enter("condition.all")?;
        let of = self.take_all(of)?;
        let tree = Tree::several("all", of, &self.limits, Condition::All);
        self.keep(tree)
    }

    async fn any(&mut self, of: Vec<Handle>) -> wasmtime::Result<Handle> {
        self.enter("condition.any")?;
        let of = self.take_all(of)?;
        let tree = Tree::several("any", of, &self.limits, Condition::Any);
        self.keep(tree)
    }

    async fn negate(&mut self, of: Handle) -> wasmtime::Result<Handle> {
        self.enter("condition.negate")?;
        let of = self.take(of)?;
        let tree = Tree::negate(of, &self.limits);
        self.keep(tree)
    }

    async fn everything(&mut self) -> wasmtime::Result<Handle> {
        self.leaf("condition.everything", Condition::Everything)
    }

    async fn drop(&mut self, condition: Handle) -> wasmtime::Result<()> {
        self.enter("condition.drop")?;
        self.take(condition)?;
        Ok(())
    }
}

fn comparison(operator: wit::Comparison) -> Comparison {
    match operator {
        wit::Comparison::Equal => Comparison::Equal,
        wit::Comparison::NotEqual => Comparison::NotEqual,
        wit::Comparison::Less => Comparison::Less,
        wit::Comparison::LessOrEqual => Comparison::LessOrEqual,
        wit::Comparison::Greater => Comparison::Greater,
        wit::Comparison::GreaterOrEqual => Comparison::GreaterOrEqual,
    }
}

pub(super) fn value(value: wit::Value) -> Value {
    match value {
        wit::Value::Null => Value::Null,
        wit::Value::Boolean(value) => Value::Boolean(value),
        wit::Value::Integer(value) => Value::Integer(value),
        wit::Value::Float(value) => Value::Float(value),
        wit::Value::Decimal(value) => Value::Decimal(value),
        wit::Value::Text(value) => Value::Text(value),
        wit::Value::Bytes(value) => Value::Bytes(value),
        wit::Value::Uuid(value) => Value::Uuid(value),
        wit::Value::Timestamp(value) => Value::Timestamp(Timestamp(value)),
        wit::Value::Duration(value) => Value::Duration(value),
        wit::Value::Json(value) => Value::Json(value),
        wit::Value::Other(value) => Value::Other(value),
    }
}

pub(super) fn joins(on: Vec<wit::Join>) -> Vec<Join> {
    on.into_iter()
        .map(|join| Join {
            foreign: join.foreign,
            local: join.local,
        })
        .collect()
}

fn error(fault: Fault) -> wit::Error {
    let problem = |Problem { code, message }| wit::Problem { code, message };
    match fault {
        Fault::Denied(inner) => wit::Error::Denied(problem(inner.problem)),
        Fault::Invalid(inner) => wit::Error::Invalid(problem(inner)),
        Fault::Exhausted(inner) => wit::Error::Exhausted(problem(inner)),
        Fault::Timeout(inner) => wit::Error::Timeout(problem(inner)),
        Fault::Database(inner) => wit::Error::Database(problem(inner)),
        Fault::Other(inner) => wit::Error::Other(problem(inner)),
    }
}
