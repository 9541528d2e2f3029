//! Readers: pages of rows, and what is done to rows of a page.

mod acts;
mod guarded;
mod identity;
mod never;
mod odd_tables;
mod pages;
mod sizes;
mod updates;
mod values;

use std::sync::Arc;

use besom::request::{Batch, Condition, Fault, Page, Reading, Request, Values};
use besom::sweep::{Change, Reader, RunContext};
use besom_tests::lab::Lab;

/// A read of these columns of every row that meets the condition.
fn read<const N: usize>(table: &str, columns: [&str; N], matching: Condition) -> Request {
    Request::read(table, columns.map(str::to_owned).to_vec(), matching)
}

/// The same, the largest value of a column first.
fn newest_first(mut request: Request, column: &str) -> Request {
    request.order_by = Some(column.to_owned());
    if let besom::request::Action::Read(look) = &mut request.action {
        look.descending = true;
    }
    request
}

async fn open(lab: &Lab, request: Request) -> (Arc<RunContext>, Reader) {
    let (context, _) = lab.begin().await;
    let reader = Reader::open(&context, request).await.unwrap();
    (context, reader)
}

/// Why a read cannot be opened.
async fn refused(lab: &Lab, request: Request) -> Fault {
    let (context, _) = lab.begin().await;
    let refused = Reader::open(&context, request).await.unwrap_err();
    lab.end(&context).await;
    refused
}

async fn page(reader: &Reader) -> Page {
    match reader.next().await.unwrap() {
        Reading::Page(page) => page,
        end => panic!("{end:?}"),
    }
}

/// The integers of a page's column.
fn integers(page: &Page, column: usize) -> Vec<i64> {
    match &page.columns[column] {
        Values::Integers(list) => list.iter().map(|value| value.unwrap()).collect(),
        other => panic!("{other:?}"),
    }
}

/// Every page of a read: its offset and the integers of its first column.
async fn pages(lab: &Lab, request: Request) -> Vec<(u64, Vec<i64>)> {
    let (context, reader) = open(lab, request).await;
    let mut all = Vec::new();
    while let Reading::Page(page) = reader.next().await.unwrap() {
        all.push((page.offset, integers(&page, 0)));
    }
    lab.end(&context).await;
    all
}

async fn delete(reader: &Reader, rows: &[u32]) -> Batch {
    reader.act(Change::Delete(rows.to_vec())).await.unwrap()
}

fn code(fault: &Fault) -> &str {
    &fault.problem().code
}

/// Every page of an order, row by row, and the table is then empty.
async fn emptied(lab: &Lab, request: Request) -> Vec<i64> {
    let (context, reader) = open(lab, request).await;
    let mut seen = Vec::new();
    while let Reading::Page(page) = reader.next().await.unwrap() {
        seen.extend(integers(&page, 0));
        let all: Vec<_> = (0..page.length).collect();
        assert_eq!(delete(&reader, &all).await.affected, u64::from(page.length));
    }
    lab.end(&context).await;
    seen
}
