-- Whether there is any of what few schemas have: nothing else is asked about. Oids from 16384 on are no part of
-- PostgreSQL itself.
SELECT json_build_object(
           'operator_classes', EXISTS (SELECT FROM pg_opclass WHERE oid >= 16384),
           'exclusions', EXISTS (SELECT FROM pg_index
                                  WHERE indexrelid >= 16384 AND (indisunique OR indisexclusion)
                                    AND NOT (indisunique AND indisvalid AND indimmediate
                                             AND indpred IS NULL AND indexprs IS NULL)),
           'checks', EXISTS (SELECT FROM pg_constraint WHERE contype = 'c' AND conrelid >= 16384),
           'triggers', EXISTS (SELECT FROM pg_trigger WHERE NOT tgisinternal)
                       OR EXISTS (SELECT FROM pg_rewrite WHERE ev_type IN ('2', '3', '4') AND oid >= 16384),
           'partitions', EXISTS (SELECT FROM pg_class WHERE relkind = 'p'),
           'publications', EXISTS (SELECT FROM pg_publication))::text
