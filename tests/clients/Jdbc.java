// What PostgreSQL's JDBC driver does with `salesmart serve`, and with it every tool that stands on
// it: Metabase, DBeaver, Tableau.
//
//     java -cp /usr/share/java/postgresql.jar Jdbc.java jdbc:postgresql://127.0.0.1:5432/warehouse USER
//
// The password is in PGPASSWORD. Any difference ends with a message and exit code 1.

import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Types;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Properties;

public class Jdbc {
    static int wrong = 0;

    static void expect(String what, Object got, Object wanted) {
        if (Objects.equals(got, wanted)) {
            System.out.println("ok    " + what);
        } else {
            System.out.println("WRONG " + what + ": " + got + ", expected " + wanted);
            wrong++;
        }
    }

    static List<String> column(ResultSet rows, String name) throws SQLException {
        List<String> values = new ArrayList<>();
        try (rows) {
            while (rows.next()) {
                values.add(rows.getString(name));
            }
        }
        return values;
    }

    static int count(ResultSet rows) throws SQLException {
        int count = 0;
        try (rows) {
            while (rows.next()) {
                count++;
            }
        }
        return count;
    }

    static void metadata(Connection connection) throws SQLException {
        DatabaseMetaData metadata = connection.getMetaData();
        expect("product", metadata.getDatabaseProductName(), "PostgreSQL");
        expect("major version", metadata.getDatabaseMajorVersion(), 15);
        List<String> schemas = column(metadata.getSchemas(), "TABLE_SCHEM");
        expect("schemas", schemas.containsAll(List.of("kpi", "mart", "pg_catalog")), true);
        expect("catalogs", column(metadata.getCatalogs(), "TABLE_CAT").contains(connection.getCatalog()), true);
        List<String> tables = column(
            metadata.getTables(null, "kpi", "%", new String[] {"TABLE"}), "TABLE_NAME");
        expect("tables", tables.containsAll(List.of("metric_value", "win_rate")), true);
        ResultSet table = metadata.getTables(null, "kpi", "win\\_rate", null);
        expect("a table", table.next(), true);
        expect("its remark", table.getString("REMARKS").startsWith("Won deals over"), true);
        table.close();
        ResultSet columns = metadata.getColumns(null, "kpi", "win_rate", "%");
        List<String> names = new ArrayList<>();
        while (columns.next()) {
            names.add(columns.getString("COLUMN_NAME"));
            if (columns.getString("COLUMN_NAME").equals("value")) {
                expect("type of a decimal", columns.getInt("DATA_TYPE"), Types.NUMERIC);
                expect("its precision", columns.getInt("COLUMN_SIZE"), 38);
                expect("its scale", columns.getInt("DECIMAL_DIGITS"), 6);
            }
            if (columns.getString("COLUMN_NAME").equals("metric")) {
                expect("remark of a column", columns.getString("REMARKS"), "which figure, as in ops.metric");
                expect("type of a text", columns.getString("TYPE_NAME"), "text");
            }
        }
        columns.close();
        expect("columns", names.size(), 20);
        expect("first column", names.get(0), "metric");
        List<String> key = column(metadata.getPrimaryKeys(null, "mart", "dim_rep"), "COLUMN_NAME");
        expect("primary key", key, List.of("rep_id"));
        ResultSet index = metadata.getIndexInfo(null, "mart", "dim_rep", true, true);
        expect("index", column(index, "COLUMN_NAME"), List.of("rep_id"));
        expect("imported keys", count(metadata.getImportedKeys(null, "kpi", "win_rate")), 0);
        expect("exported keys", count(metadata.getExportedKeys(null, "kpi", "win_rate")), 0);
        expect("types", count(metadata.getTypeInfo()) > 20, true);
        expect("table types", column(metadata.getTableTypes(), "TABLE_TYPE").contains("TABLE"), true);
        expect("functions", count(metadata.getFunctions(null, "pg_catalog", "lower")) > 0, true);
        expect("procedures", count(metadata.getProcedures(null, "kpi", "%")), 0);
        expect("privileges", count(metadata.getTablePrivileges(null, "kpi", "win_rate")) >= 0, true);
        expect("best row", count(metadata.getBestRowIdentifier(null, "mart", "dim_rep", 0, false)) >= 0, true);
        expect("keywords", metadata.getSQLKeywords().length() > 0, true);
        expect("client info", metadata.getMaxColumnNameLength(), 63);
    }

    static void queries(Connection connection) throws SQLException {
        String sql = "select metric, period_start, value, n, as_of from kpi.win_rate"
            + " where period_grain = ? and period_start >= ? and n >= ? and value is not null"
            + " order by metric, period_start, scope, scope_id";
        // From the fifth time on the driver prepares it on the server and reads binary.
        BigDecimal first = null;
        for (int round = 0; round < 8; round++) {
            try (PreparedStatement statement = connection.prepareStatement(sql)) {
                statement.setString(1, "quarter");
                statement.setObject(2, LocalDate.of(2020, 1, 1));
                statement.setLong(3, 1);
                try (ResultSet rows = statement.executeQuery()) {
                    ResultSetMetaData shape = rows.getMetaData();
                    expect("column class", shape.getColumnClassName(3), "java.math.BigDecimal");
                    expect("a row, round " + round, rows.next(), true);
                    BigDecimal value = rows.getBigDecimal("value");
                    expect("a decimal between 0 and 1",
                        value.signum() >= 0 && value.compareTo(BigDecimal.ONE) <= 0, true);
                    expect("a date", rows.getObject("period_start", LocalDate.class) != null, true);
                    expect("an instant",
                        rows.getObject("as_of", OffsetDateTime.class).toInstant() != null, true);
                    first = first == null ? value : first;
                    expect("the same figure each time", value, first);
                }
            }
        }
        connection.setAutoCommit(false);
        int all = 0;
        try (PreparedStatement statement = connection.prepareStatement("select * from kpi.metric_value")) {
            statement.setFetchSize(100);
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    all++;
                }
            }
        }
        connection.commit();
        connection.setAutoCommit(true);
        try (ResultSet rows = connection.createStatement().executeQuery("select count(*) from kpi.metric_value")) {
            rows.next();
            expect("as many rows by portions of 100", all, rows.getInt(1));
        }
        try {
            connection.createStatement().executeQuery("select no_such_column from kpi.win_rate");
            expect("a column that is not there", "no error", "42703");
        } catch (SQLException error) {
            expect("a column that is not there", error.getSQLState(), "42703");
        }
        expect("alive", connection.isValid(5), true);
        connection.setReadOnly(true);
        connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
    }

    public static void main(String[] arguments) throws SQLException {
        Properties login = new Properties();
        login.setProperty("user", arguments[1]);
        String password = System.getenv("PGPASSWORD");
        login.setProperty("password", password == null ? "" : password);
        login.setProperty("ApplicationName", "Jdbc.java");
        try (Connection connection = DriverManager.getConnection(arguments[0], login)) {
            metadata(connection);
            queries(connection);
        }
        if (wrong > 0) {
            System.exit(1);
        }
    }
}
