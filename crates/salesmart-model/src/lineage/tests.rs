//! What is said of small queries, and that it can be said of every model there is.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::testing::{load, small};

const DEAL: &str = "intermediate.int_deal";

/// A mart with these columns, all of them texts, and this query.
fn mart(columns: &[&str], sql: &str) -> String {
    let mut text = "/* @model\ndescription: X.\ngrain: []\ncolumns:\n".to_owned();
    for column in columns {
        let _ = writeln!(text, "  {column}: {{type: string}}");
    }
    text + "*/\n" + sql
}

/// The lineage of a query with these columns, as text.
async fn told(columns: &[&str], sql: &str) -> String {
    let files = small(&[("marts/x/fct_x.sql", &mart(columns, sql))]);
    let files: Vec<(&str, &str)> = files.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let catalog = load(&files).unwrap_or_else(|error| panic!("{error:#?}"));
    let all = lineage(&catalog, &BusinessSettings::default()).await;
    let all = all.unwrap_or_else(|error| panic!("{error:#?}"));
    tell(&all[&TableName::new("mart", "fct_x")])
}

fn tell(lineage: &ModelLineage) -> String {
    let mut text = String::new();
    let short = |source: &SourceColumn| source.to_string().replace("intermediate.int_", "");
    for (name, column) in &lineage.columns {
        let _ = write!(text, "{name}");
        for (source, way) in &column.values {
            let _ = write!(text, " ◀ {} {}", short(source), way.as_str());
        }
        for (source, how) in &column.decided_by {
            let how: Vec<&str> = how.iter().map(|one| one.as_str()).collect();
            let _ = write!(text, " ◁ {} {}", short(source), how.join("+"));
        }
        for relation in &column.counts {
            let _ = write!(text, " # {relation}");
        }
        text.push_str(if column.is_literal() { " literal\n" } else { "\n" });
    }
    for (source, how) in &lineage.rows {
        let how: Vec<&str> = how.iter().map(|one| one.as_str()).collect();
        let _ = writeln!(text, "rows ◁ {} {}", short(source), how.join("+"));
    }
    text
}

#[tokio::test]
async fn copied_computed_and_literal() {
    let sql = "select deal_id as id, cast(amount as varchar) as a,
        stage || '!' as b, 'x' as c, coalesce(stage, deal_id) as d
        from intermediate.int_deal where closed > $as_of_date";
    insta::assert_snapshot!(told(&["id", "a", "b", "c", "d"], sql).await, @r"
    id ◀ deal.deal_id copied
    a ◀ deal.amount copied
    b ◀ deal.stage computed
    c literal
    d ◀ deal.deal_id computed ◀ deal.stage computed
    rows ◁ deal.closed filter
    ");
}

#[tokio::test]
async fn conditions_decide_and_are_no_values() {
    let sql = "select case when amount > 1 then stage when closed is null then 'open' end as a,
        case stage when 'won' then 'yes' else 'no' end as b
        from intermediate.int_deal";
    insta::assert_snapshot!(told(&["a", "b"], sql).await, @r"
    a ◀ deal.stage computed ◁ deal.amount condition ◁ deal.closed condition
    b ◁ deal.stage condition literal
    ");
}

#[tokio::test]
async fn aggregates_group_filter_and_count() {
    let sql = "select stage, cast(sum(amount) filter (where closed is not null) as varchar) as a,
        cast(count(*) as varchar) as n, max(deal_id) as last,
        last_value(deal_id order by closed) as by_time
        from intermediate.int_deal group by stage having count(*) > 1 and min(amount) > 0";
    insta::assert_snapshot!(told(&["stage", "a", "n", "last", "by_time"], sql).await, @r"
    stage ◀ deal.stage copied
    a ◀ deal.amount aggregated ◁ deal.closed condition
    n # intermediate.int_deal
    last ◀ deal.deal_id aggregated
    by_time ◀ deal.deal_id aggregated ◁ deal.closed order
    rows ◁ deal.amount filter
    rows ◁ deal.stage group
    ");
}

#[tokio::test]
async fn windows_number_and_carry() {
    let sql = "select cast(row_number() over (partition by stage order by closed) as varchar) as n,
        lag(deal_id) over (order by closed) as before,
        cast(sum(amount) over (partition by stage) as varchar) as whole
        from intermediate.int_deal";
    insta::assert_snapshot!(told(&["n", "before", "whole"], sql).await, @r"
    n ◁ deal.closed order ◁ deal.stage group # intermediate.int_deal
    before ◀ deal.deal_id aggregated ◁ deal.closed order
    whole ◀ deal.amount aggregated ◁ deal.stage group
    ");
}

#[tokio::test]
async fn joins_bring_columns_of_one_name_apart() {
    let sql = "with a as (select * from intermediate.int_deal),
        b as (select deal_id, stage as deal_stage, closed from intermediate.int_deal)
        select a.stage as mine, b.deal_stage as other, b.deal_id
        from a left join b on a.deal_id = b.deal_id and a.closed < b.closed";
    insta::assert_snapshot!(told(&["mine", "other", "deal_id"], sql).await, @r"
    mine ◀ deal.stage copied
    other ◀ deal.stage copied
    deal_id ◀ deal.deal_id copied
    rows ◁ deal.closed join
    rows ◁ deal.deal_id join
    ");
}

#[tokio::test]
async fn unions_stand_one_below_the_other_by_position() {
    let sql = "select deal_id as a, stage as b from intermediate.int_deal where amount > 0
        union all select stage, 'x' from intermediate.int_deal
        union select 'y', deal_id from intermediate.int_deal";
    insta::assert_snapshot!(told(&["a", "b"], sql).await, @r"
    a ◀ deal.deal_id copied ◀ deal.stage copied
    b ◀ deal.deal_id copied ◀ deal.stage copied
    rows ◁ deal.amount filter
    rows ◁ deal.deal_id group
    rows ◁ deal.stage group
    ");
}

#[tokio::test]
async fn subqueries_give_values_and_decide() {
    let sql = "select d.deal_id,
        (select max(o.stage) from intermediate.int_deal o where o.deal_id = d.deal_id) as best,
        case when exists (select 1 from intermediate.int_deal e where e.closed = d.closed)
            then 'yes' end as twin
        from intermediate.int_deal d
        where d.stage in (select stage from intermediate.int_deal where amount > 5)";
    insta::assert_snapshot!(told(&["deal_id", "best", "twin"], sql).await, @r"
    deal_id ◀ deal.deal_id copied
    best ◀ deal.stage aggregated ◁ deal.deal_id filter
    twin ◁ deal.closed filter literal
    rows ◁ deal.amount filter
    rows ◁ deal.stage filter
    ");
}

#[tokio::test]
async fn a_query_that_reads_itself_ends() {
    let sql = "with recursive walk as (
            select deal_id as a, stage as b, 1 as n from intermediate.int_deal
            union all
            select walk.b, d.deal_id, walk.n + 1 from walk
            inner join intermediate.int_deal d on d.stage = walk.a where walk.n < 9
        ) select a, b, cast(n as varchar) as n from walk";
    insta::assert_snapshot!(told(&["a", "b", "n"], sql).await, @r"
    a ◀ deal.deal_id copied ◀ deal.stage copied
    b ◀ deal.deal_id copied ◀ deal.stage copied
    n literal
    rows ◁ deal.deal_id join
    rows ◁ deal.stage join
    ");
}

#[tokio::test]
async fn lists_and_values() {
    let sql = "select unnest(string_to_array(stage, ';')) as part, deal_id
        from intermediate.int_deal
        union all select column1, column2 from (values ('a', 'b')) as given";
    insta::assert_snapshot!(told(&["part", "deal_id"], sql).await, @r"
    part ◀ deal.stage computed
    deal_id ◀ deal.deal_id copied
    ");
}

/// Every model of the repository: each column's sources are there, each table that the SQL names
/// takes part, and a column without a source is one of those that are known to be literals.
#[tokio::test]
async fn every_column_of_every_model_resolves() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sql");
    let catalog = Catalog::load(&[], Some(&root)).unwrap_or_else(|error| panic!("{error:#?}"));
    let all = lineage(&catalog, &BusinessSettings::default()).await;
    let all = all.unwrap_or_else(|error| panic!("{error:#?}"));
    assert_eq!(all.len(), catalog.models().count());
    let mut columns = 0;
    let mut sourced = 0;
    for model in catalog.models() {
        let lineage = &all[&model.name];
        assert_eq!(lineage.columns.len(), model.header.columns.len(), "{}", model.name);
        let named: BTreeSet<&Relation> = model.reads.iter().map(|read| &read.relation).collect();
        let mut seen: BTreeSet<&Relation> = lineage.relations.iter().collect();
        for (name, column) in &lineage.columns {
            columns += 1;
            sourced += usize::from(!column.is_literal());
            let sources = column.values.keys().chain(column.decided_by.keys());
            for source in sources.chain(lineage.rows.keys()) {
                let schema = relation_schema(&catalog, &source.relation);
                let schema = schema.unwrap_or_else(|| panic!("{}.{name}: {source}", model.name));
                assert!(schema.index_of(&source.column).is_ok(), "{}.{name}: {source}", model.name);
                seen.insert(&source.relation);
            }
            seen.extend(&column.counts);
        }
        // What is read by a subquery only decides: it has no rows here, but it has columns.
        assert_eq!(seen, named, "{}", model.name);
    }
    assert!(columns > 1_500, "only {columns} columns");
    assert!(sourced * 10 > columns * 8, "only {sourced} of {columns} columns have a source");
}

#[tokio::test]
async fn a_figure_is_followed_to_the_deals_it_is_made_of() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sql");
    let catalog = Catalog::load(&[], Some(&root)).unwrap_or_else(|error| panic!("{error:#?}"));
    let all = lineage(&catalog, &BusinessSettings::default()).await;
    let all = all.unwrap_or_else(|error| panic!("{error:#?}"));
    let mut waiting = vec![("kpi.win_rate.numerator".to_owned(), false)];
    let mut reached: BTreeSet<String> = BTreeSet::new();
    while let Some((next, _)) = waiting.pop() {
        if !reached.insert(next.clone()) {
            continue;
        }
        let Some((table, column)) = next.rsplit_once('.') else { continue };
        let Ok(name) = table.parse::<TableName>() else { continue };
        let Some(found) = all.get(&name).and_then(|lineage| lineage.column(column)) else {
            continue;
        };
        let sources = found.values.keys().chain(found.decided_by.keys());
        waiting.extend(sources.map(|source| (source.to_string(), true)));
    }
    for expected in ["raw.salesforce.opportunity", "raw.hubspot.deals"] {
        assert!(
            reached.iter().any(|column| column.starts_with(expected)),
            "{expected} is not among {reached:#?}"
        );
    }
}

/// An expression over the columns of a deal, and the columns that it names.
fn expression() -> impl Strategy<Value = (String, BTreeSet<&'static str>)> {
    let column = prop::sample::select(vec!["deal_id", "stage"]);
    let leaf = prop_oneof![
        column.prop_map(|name| (name.to_owned(), BTreeSet::from([name]))),
        Just(("'x'".to_owned(), BTreeSet::new())),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let two = (inner.clone(), inner.clone());
        prop_oneof![
            two.clone().prop_map(|((a, x), (b, y))| (format!("({a} || {b})"), &x | &y)),
            two.prop_map(|((a, x), (b, y))| (format!("coalesce({a}, {b})"), &x | &y)),
            inner.clone().prop_map(|(a, x)| (format!("upper({a})"), x)),
            (inner.clone(), inner.clone(), inner).prop_map(|((a, x), (b, y), (c, z))| (
                format!("case when {a} = 'x' then {b} else {c} end"),
                &(&x | &y) | &z
            )),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever is written: the columns told are those that are written, neither more nor fewer,
    /// also behind steps that rename them and a union that turns them round.
    #[test]
    fn what_is_written_is_what_is_told(
        (first, a) in expression(),
        (second, b) in expression(),
        steps in 0usize..4,
    ) {
        let mut sql = format!(
            "with s0 as (select {first} as p, {second} as q from {DEAL} \
             union all select {second}, {first} from {DEAL})"
        );
        for step in 0..steps {
            let _ = write!(sql, ", s{} as (select q as p, p as q from s{step})", step + 1);
        }
        let _ = write!(sql, " select p as a, q as b from s{steps}");
        let text = mart(&["a", "b"], &sql);
        let files = small(&[("marts/x/fct_x.sql", text.as_str())]);
        let files: Vec<(&str, &str)> =
            files.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        let catalog = load(&files).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let all = runtime.block_on(lineage(&catalog, &BusinessSettings::default())).unwrap();
        let found = &all[&TableName::new("mart", "fct_x")];
        let expected = &a | &b;
        for (name, column) in &found.columns {
            let told: BTreeSet<&str> = column
                .values
                .keys()
                .chain(column.decided_by.keys())
                .map(|source| source.column.as_str())
                .collect();
            prop_assert_eq!(&told, &expected, "{} of {}", name, sql);
        }
    }
}
