-- The view `attempt`: one row per element of exam_results.result_json -> 'questions', whatever else stands in there.
-- {result}, {created_at} and {updated_at} read the columns of this database's exam_results as jsonb and timestamptz.

-- Text as jsonb, NULL where it is none. Also for the type json: it lets \u0000 and numbers pass that jsonb refuses.
CREATE FUNCTION seedtest_jsonb(content text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    RETURN content::jsonb;
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END $$;

-- The instant of an answer: ISO 8601, in UTC where it names no zone, and inside its session; otherwise `latest`.
-- A handler costs 1 µs a row; a regular expression that knows 30 February costs 4.
CREATE FUNCTION seedtest_instant(answered_at text, earliest timestamptz, latest timestamptz) RETURNS timestamptz
LANGUAGE plpgsql STABLE AS $$
DECLARE
    instant timestamptz;
BEGIN
    instant := CASE  -- not among the declarations: the handler does not cover those
        WHEN substr(answered_at, 5, 1) <> '-' THEN NULL  -- must begin with a year: not 'now', nor what DateStyle turns
        WHEN substr(answered_at, 12) ~ '[A-Za-z+-]' THEN answered_at
        ELSE answered_at || 'Z'
    END;
    RETURN CASE WHEN instant BETWEEN earliest AND latest THEN instant ELSE latest END;
EXCEPTION WHEN data_exception THEN
    RETURN latest;
END $$;

-- Why an element of questions is no attempt; NULL where it is one. The answer is is_correct, or where that is missing
-- or null, correct; without either the question was not answered, which is no fault.
CREATE FUNCTION seedtest_question_fault(question jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN jsonb_typeof(question -> 'question_id') IN ('string', 'number') THEN CASE
        WHEN btrim(question ->> 'question_id', E' \t\n\r') = '' THEN 'question_id is empty'
        WHEN question ->> 'is_correct' IS NOT NULL THEN CASE
            WHEN jsonb_typeof(question -> 'is_correct') <> 'boolean' THEN 'is_correct is neither true, false nor null'
        END
        WHEN jsonb_typeof(question -> 'correct') NOT IN ('boolean', 'null')
            THEN 'correct is neither true, false nor null'
    END
    WHEN jsonb_typeof(question) <> 'object' THEN 'the question is not an object'
    ELSE 'question_id is neither text nor a number'
END;

-- Why a session has no attempts although something stands in it; NULL where nothing is wrong.
CREATE FUNCTION seedtest_session_fault(user_id text, recorded_at timestamptz, given boolean, result jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN coalesce(btrim(user_id), '') = '' THEN 'the session has no user_id'
    WHEN recorded_at IS NULL THEN 'the session has neither created_at nor updated_at'
    WHEN given AND result IS NULL THEN 'result_json is not JSON'
    WHEN result NOT IN ('null', '{}') AND coalesce(jsonb_typeof(result -> 'questions'), '') <> 'array'
        THEN 'result_json has no list of questions'
END;

-- Between two numbers in the order of jsonb lie numbers only: BETWEEN tells their type as well.
CREATE OR REPLACE VIEW attempt AS
SELECT
    ('x' || left(md5(session.id || ':' || element.ordinal), 16))::bit(64)::bigint AS id,
    CASE
        WHEN length(session.user_id) = 36 AND session.user_id ~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' THEN session.user_id
        ELSE md5(session.user_id)
    END::uuid AS student_id,
    CASE
        WHEN derived.item_key ~ '^-?[0-9]{1,19}$' THEN CASE
            WHEN derived.item_key::numeric BETWEEN -9223372036854775808 AND 9223372036854775807
                THEN derived.item_key::bigint
        END
    END AS item_id,
    CASE coalesce(question ->> 'is_correct', question ->> 'correct')
        WHEN 'true' THEN true
        WHEN 'false' THEN false
    END AS correct,
    derived.response_time_ms,
    CASE
        WHEN question -> 'used_hints' IN ('false', '0') THEN false
        WHEN question -> 'used_hints' = 'true' OR question -> 'used_hints' BETWEEN '0' AND '2147483647' THEN true
    END AS hint_used,
    derived.completed_at,
    coalesce(
        derived.completed_at - derived.response_time_ms * interval '1 millisecond', session.earliest
    ) AS started_at,
    -- As told, else 1: a rank among all attempts of the user would make every query read all of them.
    CASE
        WHEN coalesce(question ->> 'attempt_no', '1') = '1' THEN 1  -- nearly always
        WHEN question ->> 'attempt_no' ~ '^[1-9][0-9]{0,8}$' THEN (question ->> 'attempt_no')::integer
        ELSE 1
    END AS attempt_no,
    session.session_id,
    CASE
        WHEN jsonb_typeof(question -> 'topic') IN ('string', 'number') THEN nullif(question ->> 'topic', '')
    END AS topic_id,
    session.user_id,
    derived.item_key,
    session.id AS exam_result_id
FROM (
    SELECT
        exam_results.id::text AS id,
        exam_results.user_id::text AS user_id,
        exam_results.session_id::text AS session_id,
        {result} AS result,
        least({created_at}, {updated_at}) AS earliest,
        coalesce({updated_at}, {created_at}) AS latest
    FROM exam_results
) AS session
-- Strict and silent: nothing at all unless `questions` is an array.
CROSS JOIN LATERAL jsonb_path_query(session.result, 'strict $.questions[*]', silent => true)
    WITH ORDINALITY AS element (question, ordinal)
CROSS JOIN LATERAL (
    SELECT
        btrim(question ->> 'question_id', E' \t\n\r') AS item_key,
        seedtest_instant(question ->> 'answered_at', session.earliest, session.latest) AS completed_at,
        CASE
            WHEN question -> 'time_spent_sec' BETWEEN '0' AND '2147483.647'
                THEN ((question -> 'time_spent_sec')::numeric * 1000)::integer
        END AS response_time_ms
) AS derived
WHERE btrim(session.user_id) <> ''
    AND session.latest IS NOT NULL
    AND seedtest_question_fault(question) IS NULL;

-- What `attempt` leaves out, and why: a question by its place (from 1), or a whole session (question_no is NULL).
-- Its instant would lie between earliest and latest.
CREATE VIEW attempt_malformed AS
SELECT
    session.id AS exam_result_id,
    session.user_id,
    element.ordinal AS question_no,
    coalesce(session.fault, seedtest_question_fault(element.question)) AS reason,
    session.earliest,
    session.latest
FROM (
    SELECT
        exam_results.id::text AS id,
        exam_results.user_id::text AS user_id,
        {result} AS result,
        least({created_at}, {updated_at}) AS earliest,
        coalesce({updated_at}, {created_at}) AS latest,
        seedtest_session_fault(
            exam_results.user_id::text,
            coalesce({updated_at}, {created_at}),
            exam_results.result_json IS NOT NULL,
            {result}
        ) AS fault
    FROM exam_results
) AS session
LEFT JOIN LATERAL jsonb_path_query(session.result, 'strict $.questions[*]', silent => true)
    WITH ORDINALITY AS element (question, ordinal) ON session.fault IS NULL
WHERE session.fault IS NOT NULL
    OR (element.ordinal IS NOT NULL AND seedtest_question_fault(element.question) IS NOT NULL);
