//! What may be made, and what may not, by which code.

use std::sync::Arc;

use datafusion::error::Result;
use datafusion::prelude::{SessionConfig, SessionContext};

use super::*;
use crate::catalog;

/// The memory of the role in these tests: values of 128 KiB, and of 1 MiB where a maker is called.
const MEMORY: usize = 64 << 20;

async fn ask(sql: &str) -> Result<String> {
    let statement = catalog::parse(sql).unwrap().remove(0);
    let size = usize::from(batch_size(MEMORY, &statement));
    let context = SessionContext::new_with_config(SessionConfig::new().with_batch_size(size));
    context.add_analyzer_rule(Arc::new(Bounds { memory: MEMORY }));
    let batches = context.sql(sql).await?.collect().await?;
    Ok(arrow::util::pretty::pretty_format_batches(&batches)?.to_string())
}

async fn refusal(sql: &str) -> &'static str {
    match ask(sql).await {
        Ok(_) => "answered",
        Err(error) => Failure::of_engine(sql, &error).code,
    }
}

#[tokio::test]
async fn what_is_too_long_is_refused_before_it_is_made() {
    for sql in [
        "select repeat('x', 2000000000)",
        "select length(repeat('x', 9000000000000000000))",
        "select repeat(v, n) from (values ('ab', 1), ('abc', 2000000000)) as t(v, n)",
        "select lpad('x', 2000000000, 'y')",
        "select lpad('x', 2000000000)",
        "select rpad(v, 2000000000, 'é') from (values ('a')) as t(v)",
        "select array_repeat('x', 2000000000)",
        "select array_repeat(null, 2000000000)",
        "select array_repeat(array_repeat(1, 1000), 1000)",
        "select array_resize([1], 2000000000, 0)",
        "select cardinality(range(1, 10000000000))",
        "select range(n) from (values (10000000000)) as t(n)",
        "select cardinality(range(10000000000, 1, -1))",
        "select generate_series(date '0001-01-01', date '9000-01-01', interval '1 day')",
        "select unnest(generate_series(1, 10000000000))",
        "select array_to_string(range(1, 1000), repeat('x', 10000))",
        "select replace(repeat('x', 10000), 'x', repeat('y', 10000))",
        "select replace(repeat('x', 10000), '', repeat('y', 10000))",
        "select regexp_replace(repeat('x', 10000), 'x', repeat('y', 10000), 'g')",
        "select regexp_replace(repeat('x', 100000), '(.*)', repeat('\\1', 100))",
        "with a as (select repeat('x', 1000000) as v), b as (select v || v as v from a) \
         select v || v from b",
        "with recursive t(n, v) as (select 1, 'x' union all select n + 1, v || v from t where n < 60) \
         select length(v) from t",
        "with recursive t(n, v) as (select 1, 'x' union all select n + 1, concat(v, v) from t \
         where n < 60) select length(v) from t",
        "with recursive t(n, v) as (select 1, [1] union all select n + 1, array_concat(v, v) from t \
         where n < 60) select cardinality(v) from t",
        "select length(string_agg(v, '')) from (select repeat('x', 500000) as v \
         from generate_series(1, 3))",
        "select cardinality(array_agg(v)) from generate_series(1, 100000) as g(v)",
    ] {
        assert_eq!(refusal(sql).await, code::LIMIT_EXCEEDED, "{sql}");
    }
    let far = "select levenshtein(repeat('x', 1000), repeat('y', 1000))";
    assert_eq!(refusal(far).await, code::INVALID_PARAMETER);
}

#[tokio::test]
async fn many_long_values_are_made_a_few_at_a_time() {
    // Two gigabytes, of which no more than sixty-four values are there at once.
    let sql = "select max(length(repeat(v, 1000000))) as n \
               from (select chr(cast(65 + n % 20 as bigint)) as v \
               from generate_series(1, 2000) as g(n))";
    assert!(ask(sql).await.unwrap().contains("1000000"));
}

#[tokio::test]
async fn what_people_make_is_made() {
    for (sql, wanted) in [
        ("select length(repeat('ab', 400000)) as n", "800000"),
        ("select repeat('ab', 0) || 'x' as n", " x "),
        ("select repeat('ab', -5) || 'x' as n", " x "),
        ("select repeat(null, 5) is null as n", "true"),
        ("select lpad('7', 3, '0') as n", "007"),
        ("select rpad('é', 3, 'ü') as n", "éüü"),
        ("select array_repeat(3, 2) as n", "[3, 3]"),
        ("select array_resize([1], 3, 0) as n", "[1, 0, 0]"),
        ("select range(1, 4) as n", "[1, 2, 3]"),
        ("select range(4, 1, -1) as n", "[4, 3, 2]"),
        ("select array_to_string([1, 2], ',') as n", "1,2"),
        ("select replace('a,b', ',', '; ') as n", "a; b"),
        ("select regexp_replace('abc', '(b)', '[\\1]') as n", "a[b]c"),
        ("select 'a' || 1 || 'b' as n", "a1b"),
        ("select 'a' || null is null as n", "true"),
        ("select concat('a', null, 2) as n", "a2"),
        ("select concat_ws('-', 'a', 'b') as n", "a-b"),
        ("select string_agg(v, ',' order by v) as n from (values ('b'), ('a')) as t(v)", "a,b"),
        ("select array_agg(v order by v) as n from (values (2), (1)) as t(v)", "[1, 2]"),
        ("select v || v as n from (values ('b'), (null)) as t(v) order by v", "bb"),
        ("select levenshtein('kitten', 'sitting') as n", "3"),
        (
            "select k, string_agg(v, ',') as n from (values (1, 'b'), (2, 'a')) as t(k, v) \
             group by k having string_agg(v, ',') = 'a'",
            "| 2 | a |",
        ),
    ] {
        let answer = ask(sql).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
        assert!(answer.contains(wanted), "{sql}:\n{answer}");
    }
}

#[tokio::test]
async fn columns_keep_their_names() {
    for sql in [
        "select 'a' || column1 from (values ('b')) as t",
        "select repeat(column1, 2), concat(column1, 'x') from (values ('b')) as t",
        "select string_agg(column1, ',') from (values ('b')) as t",
    ] {
        let plain = SessionContext::new();
        let wanted = plain.sql(sql).await.unwrap();
        let wanted = wanted.collect().await.unwrap();
        let wanted = arrow::util::pretty::pretty_format_batches(&wanted).unwrap().to_string();
        assert_eq!(ask(sql).await.unwrap(), wanted, "{sql}");
    }
}
