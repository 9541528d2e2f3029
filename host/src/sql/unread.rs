//! Rows that hold what cannot be read as what it is compared with: a time in no form that the column
//! has, a word that is no truth value, a key of another version. No condition on them holds, nor its
//! negation, so they stay, and would stay unnoticed.
//!
//! Such a value matters where the answer of a condition hangs on it: where the row may meet the condition
//! and does not for certain.

use super::by_form::ByForm;
use super::id::is_of_form;
use super::inlined::inlined;
use super::plan::ReadAs;
use super::writer::{Row, Writer};
use super::{Plan, truth};
use crate::catalog::{Dialect, Kind};
use crate::database::Statement;
use crate::request::Fault;

impl Plan {
    /// How many rows of the table hold a time there that stands for none, counted no further than `most`.
    pub(crate) fn no_instants(&self, of: &ByForm, most: u64) -> Result<Statement, Fault> {
        let mut w = Writer::new(self.dialect());
        let row = w.row(&of.table);
        w.push("SELECT count(*) FROM (SELECT 1 FROM ");
        self.place(&mut w, &row, of)?;
        w.push(" WHERE ");
        self.stands_for_none(&mut w, &row, of)?;
        w.push(&format!(" LIMIT {most}) AS without"));
        Ok(w.finish())
    }

    /// Values of some such rows, as text, no more than `most`.
    pub(crate) fn no_instant_values(&self, of: &ByForm, most: u64) -> Result<Statement, Fault> {
        let mut w = Writer::new(self.dialect());
        let row = w.row(&of.table);
        w.push("SELECT shown.value FROM (SELECT ");
        w.push(&self.shown(&row, of)).push(" AS value FROM ");
        self.place(&mut w, &row, of)?;
        w.push(" WHERE ");
        self.stands_for_none(&mut w, &row, of)?;
        w.push(&format!(" LIMIT {most}) AS shown"));
        Ok(w.finish())
    }

    fn stands_for_none(&self, w: &mut Writer, row: &Row<'_>, of: &ByForm) -> Result<(), Fault> {
        match of.read_as {
            ReadAs::Presence => self.may_stand_for_none(w, row, &of.column),
            _ => self.no_instant(w, row, &of.column)?,
        }
        Ok(())
    }

    /// Any row at all that holds an unread value there: an index on the column alone answers that.
    pub(crate) fn any_unread(&self, of: &ByForm) -> Result<Statement, Fault> {
        let mut w = Writer::new(self.dialect());
        let row = w.row(&of.table);
        w.push("SELECT count(*) FROM (SELECT 1 FROM ");
        self.place(&mut w, &row, of)?;
        w.push(" WHERE ");
        self.is_unread(&mut w, &row, of)?;
        w.push(" LIMIT 1) AS unread");
        Ok(w.finish())
    }

    /// How many rows the job passes over for the sake of such a value, counted no further than `most`.
    pub(crate) fn unread(&self, of: &ByForm, most: u64) -> Result<Statement, Fault> {
        let mut w = Writer::new(self.dialect());
        w.plan_each_time();
        let row = w.row(&of.table);
        w.push("SELECT count(*) FROM (SELECT 1 FROM ");
        self.doubtful(&mut w, &row, of)?;
        w.push(&format!(" LIMIT {most}) AS unread"));
        Ok(w.finish())
    }

    /// Values of some such rows, as text, no more than `most`.
    pub(crate) fn unread_values(&self, of: &ByForm, most: u64) -> Result<Statement, Fault> {
        let mut w = Writer::new(self.dialect());
        w.plan_each_time();
        let row = w.row(&of.table);
        w.push("SELECT shown.value FROM (SELECT ");
        w.push(&self.shown(&row, of));
        w.push(" AS value FROM ");
        self.doubtful(&mut w, &row, of)?;
        w.push(&format!(" LIMIT {most}) AS shown"));
        Ok(w.finish())
    }

    /// A value for people, as SQL would write it.
    fn shown(&self, row: &Row<'_>, of: &ByForm) -> String {
        /// Characters of a value that are told.
        const SHOWN: u32 = 60;
        let name = row.column(&of.column.name);
        match (self.dialect(), &of.column.kind) {
            // `quote` stops at a NUL, and what is no UTF-8 would not come back as text.
            (Dialect::Sqlite, _) => format!(
                "substr(CASE WHEN typeof({name}) = 'text' AND (instr({name}, char(0)) > 0 \
                 OR {name} GLOB '*[' || char(128) || '-' || char(191, 65533) || ']*') \
                 THEN quote(CAST({name} AS BLOB)) ELSE quote({name}) END, 1, {SHOWN})"
            ),
            (Dialect::Postgres, Kind::Text) => {
                format!("'''' || left({name}::text, {SHOWN}) || ''''")
            }
            (Dialect::Postgres, _) => format!("left({name}::text, {SHOWN})"),
        }
    }

    /// The key columns among whose ids a stray one was found, and that one.
    pub(crate) fn strays(&self) -> impl Iterator<Item = (String, &str)> {
        self.forms.strays().map(|(table, column, stray)| {
            (format!("{}.{column}", self.catalog.spelling(table)), stray)
        })
    }

    /// A statement that shows every row of the table with an unread value there, for people.
    pub(crate) fn find_unread(&self, of: &ByForm) -> Result<String, Fault> {
        let mut w = Writer::new(self.dialect());
        let row = w.row(&of.table);
        w.push("SELECT * FROM ")
            .push(&of.table.sql_name())
            .push(" AS ")
            .push(&row.alias)
            .push(" WHERE ");
        self.is_unread(&mut w, &row, of)?;
        Ok(inlined(&w.finish()))
    }

    /// The column, as people write it: the partitioned table's where the plan sweeps a leaf.
    pub(crate) fn name_of(&self, of: &ByForm) -> String {
        let root = self.authorized.root().filter(|_| of.swept);
        let table = root.map_or(&of.table.id, |root| &root.id);
        format!("{}.{}", self.catalog.spelling(table), of.column.name)
    }

    /// The table's rows, as the conditions on it see them.
    fn place(&self, w: &mut Writer, row: &Row<'_>, of: &ByForm) -> Result<(), Fault> {
        match of.swept {
            true => self.swept(w, row),
            false => self.related(w, row),
        }
    }

    /// `table AS row WHERE …`: the value is unread, and a condition hangs on it.
    fn doubtful(&self, w: &mut Writer, row: &Row<'_>, of: &ByForm) -> Result<(), Fault> {
        self.place(w, row, of)?;
        w.push(" WHERE ");
        self.is_unread(w, row, of)?;
        w.push(" AND (");
        w.separated(&of.within, " OR ", |w, terms| {
            w.push("(");
            w.truth(true);
            for term in &terms.doubtful {
                w.push(" AND ");
                self.possible(w, row, term, false)?;
            }
            for term in &terms.certain {
                w.push(" AND ");
                self.condition(w, row, term, false)?;
            }
            if terms.doubtful.is_empty() {
                w.push(")");
                return Ok(());
            }
            w.push(" AND (");
            w.separated(&terms.doubtful, " AND ", |w, term| {
                self.condition(w, row, term, false)
            })?;
            w.push(") IS NOT TRUE)");
            Ok::<_, Fault>(())
        })?;
        w.push(")");
        Ok(())
    }

    /// The value is there, and is not read.
    fn is_unread(&self, w: &mut Writer, row: &Row<'_>, of: &ByForm) -> Result<(), Fault> {
        let name = row.column(&of.column.name);
        match of.read_as {
            ReadAs::Time => self.unread_time(w, row, &of.column)?,
            ReadAs::Id => {
                let form = self.forms.id(&of.table.id, &of.column)?;
                w.push(&name).push(" IS NOT NULL AND (");
                is_of_form(w, &name, &form);
                w.push(") IS NOT TRUE");
            }
            ReadAs::Truth => {
                let words = self.forms.words(&of.table.id, &of.column.name);
                let number = truth::number(&name, words);
                w.push(&format!("{name} IS NOT NULL AND ({number}) IS NULL"));
            }
            ReadAs::Presence => self.may_stand_for_none(w, row, &of.column),
            ReadAs::Class => {
                if !self.of_another_class(w, row, &of.column, of.doubtful())? {
                    w.truth(false);
                }
            }
        }
        Ok(())
    }
}
