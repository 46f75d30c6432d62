-- The newest entry of an action in the audit record (no row: there is none).
-- parameters: action
-- object
SELECT object FROM audit WHERE action = $action ORDER BY seq DESC LIMIT 1
