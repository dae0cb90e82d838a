//! Databases: statements and tools that drop what they hold.

use super::super::id::{DATABASE_LOSS, SHELL_ESCAPE};
use super::super::pattern::{Rule, rule};

pub(super) const RULES: &[Rule] = &[
    rule(
        DATABASE_LOSS,
        66.0,
        &[
            "psql|mysql|mariadb|sqlite3|sqlcmd|cockroach|clickhouse-client|bq|cqlsh|snowsql|duckdb|usql|isql|osql|tsql|pgcli|mycli|db2|sqlplus|influx|athena|trino|presto|hive|beeline|impala-shell %drop^|truncate^|delete^from",
            "psql|mysql|mariadb|sqlite3|sqlcmd|cockroach|clickhouse-client|cqlsh|duckdb|bq|snowsql|sqlplus %drop|truncate|DELETE",
            "psql|mysql|mariadb|sqlcmd|sqlplus %alter !%add",
            "mongosh|mongo %dropDatabase|.drop(|deleteMany|remove({|.deleteOne|dropUser|shutdownServer|dropIndexes",
            "mongorestore --drop",
            "redis-cli|valkey-cli =flushall|flushdb|FLUSHALL|FLUSHDB|DEBUG|debug|SHUTDOWN|shutdown|FlushAll",
            "redis-cli|valkey-cli =config|CONFIG =set|SET|resetstat",
            "redis-cli|valkey-cli =del|DEL|unlink|UNLINK",
            "dropdb|dropuser",
            "mysqladmin =drop|shutdown|flush-*",
            "pg_restore --clean|-c",
            "pg_resetwal|pg_dropcluster",
            "influx delete",
            "influx bucket|org delete",
            "rails|rake|bin/rails db:drop|db:reset|db:migrate:reset|db:schema:load|db:purge",
            "bundle exec rake|rails db:drop|db:reset",
            "django-admin|manage.py flush|sqlflush|reset_db|zero",
            "python|python3 *manage.py flush|reset_db|sqlflush",
            "php artisan migrate:fresh|migrate:reset|db:wipe|migrate:refresh",
            "sequelize|knex|typeorm =db:drop|migrate:rollback|schema:drop|schema:sync",
            "alembic downgrade",
            "flyway clean",
            "liquibase dropAll|drop-all|rollback",
            "elasticdump --deleteAll",
            "cypher-shell %detach|delete",
            "aws dynamodb delete-*",
        ],
    ),
    // What is called production is the one that there is no other of.
    rule(
        DATABASE_LOSS,
        81.0,
        &[
            "psql|mysql|mariadb|sqlcmd|cockroach|clickhouse-client|cqlsh|usql %drop^database|drop^schema|drop^table|truncate^|delete^from %production|prod.|.prod|prod-|-prod|_prod|prod_ !%where^",
            "mongosh|mongo %dropdatabase %production|prod.|.prod|prod-|-prod|_prod|prod_|prod:",
            "redis-cli|valkey-cli =flushall|FLUSHALL|flushdb|FLUSHDB %production|prod.|.prod|prod-|-prod|_prod|prod_",
            "dropdb %production|_prod|prod_|-prod",
        ],
    ),
    rule(
        SHELL_ESCAPE,
        82.0,
        &[
            "psql -c|--command %COPY %PROGRAM",
            "mysql|mariadb -e|--execute %\\!",
            "sqlite3 %.shell|.system",
            "mysql %system^",
            "psql %\\!",
        ],
    ),
];
