"""What lies in the database: tables, migrations' helpers, and living beside a platform's own tables."""
