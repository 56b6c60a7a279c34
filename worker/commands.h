/*
 * The functions behind the rows of main.c, one file each: client.c, key.c, prices.c, ...
 */
#ifndef WORKER_COMMANDS_H
#define WORKER_COMMANDS_H

#include "worker/command.h"

command_run help_run;
command_run migrate_run; /* migrate [up|down|status|redo] --to VERSION --dry-run */
command_run database_run; /* db init|drop|reset */
command_run client_create_run, client_list_run, client_deactivate_run;
command_run budget_list_run, budget_set_run;
command_run key_create_run, key_list_run, key_revoke_run, key_rotate_run, key_rotate_seal_run;
command_run prices_import_run, prices_list_run, prices_diff_run;
command_run export_run; /* export --out DIR --what WHAT --format FORMAT ... */
command_run export_user_run; /* export-user --client CLIENT --user ID | ... */
command_run import_run, verify_run, status_run, doctor_run;
command_run expire_run, flush_run, reconcile_run, purge_run, partitions_run;
command_run rollup_run; /* rollup --from DATE --to DATE --dry-run */
command_run erase_run; /* erase --client CLIENT --user ID | --email ADDRESS | --external-id ID */
command_run alerts_run; /* alerts --dead --retry ID --dry-run */

#endif
