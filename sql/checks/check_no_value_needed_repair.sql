/* @check
description: No value had to be repaired by a map of the pipeline file; one row a repaired spelling.
severity: warn
table: ops.repair
*/
select connection, stream, column_name, from_value, to_value, sum(rows) as rows
from ops.repair
group by connection, stream, column_name, from_value, to_value
