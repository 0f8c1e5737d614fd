package bank

import "context"

// TakePart calls the SDK's handler of an xa branch: for the work that the database prepares, and for the coordinator's
// commit or rollback.
//
// MariaDB lets another connection finish what one has prepared only when that one has ended, and says until then that
// there is nothing to finish, which the SDK takes for done. So it is done again while the database has it.
func TakePart(ctx context.Context, gid, branchID, op string, handle func() error) error {
	for {
		err := handle()
		if err != nil || op == "action" {
			return err
		}
		prepared, err := isPrepared(ctx, gid+"-"+branchID)
		if err != nil || !prepared {
			return err
		}
	}
}

func isPrepared(ctx context.Context, branch string) (bool, error) {
	rows, err := Database.QueryContext(ctx, "xa recover")
	if err != nil {
		return false, err
	}
	defer rows.Close()
	found := false
	for rows.Next() {
		var format, gidLength, branchLength int
		var prepared string
		if err := rows.Scan(&format, &gidLength, &branchLength, &prepared); err != nil {
			return false, err
		}
		found = found || prepared == branch
	}
	return found, rows.Err()
}
