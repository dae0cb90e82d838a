//! Work in version control that is lost: a person should be asked.

use super::super::id::{PERSIST, VCS_LOSS};
use super::super::pattern::{Rule, rule};

pub(super) const RULES: &[Rule] = &[
    rule(
        VCS_LOSS,
        64.0,
        &[
            "git reset --hard|--merge",
            "git clean -f|--force !-n|--dry-run",
            "git push -f|--force !--force-with-lease",
            "git push --mirror|--delete|-d",
            "git push %:+",
            "git checkout -f|--force",
            "git stash clear|drop",
            "git branch -D",
            "git filter-branch",
            "git filter-repo",
            "git reflog expire|delete",
            "git update-ref -d",
            "git worktree remove -f|--force",
            "git gc --prune=now",
            "git prune !-n|--dry-run|-v",
            "git submodule deinit -f|--force",
            "git lfs prune -f|--force",
            "git switch --discard-changes|-f|--force",
            "git read-tree --reset",
            "git rm -f|--force -r",
            "hg strip",
            "hg update|revert --clean|-C|--all",
            "hg purge",
            "svn revert -R|--recursive|--depth",
            "svn delete|rm %://",
            "gh repo delete|archive",
            "gh release|secret delete",
            "gh issue delete",
            "glab repo|project delete",
            "bfg --delete-files|--strip-blobs-bigger-than|--delete-folders",
            "jj abandon",
        ],
    ),
    rule(
        VCS_LOSS,
        58.0,
        &[
            "git checkout --",
            "git checkout =--",
            "git checkout =.",
            "git restore !--staged|-S",
            "git restore --worktree|-W",
            "git tag -d|--delete",
            "git branch -d|--delete -f|--force",
            "git commit-tree",
            "git checkout -B",
        ],
    ),
    rule(
        VCS_LOSS,
        40.0,
        &[
            "git rebase",
            "git commit --amend",
            "git branch -f|--force",
            "git merge --abort",
            "git reset HEAD*",
        ],
    ),
    rule(
        PERSIST,
        60.0,
        &[
            "git config =core.hooksPath|core.sshCommand|core.fsmonitor|core.pager",
            "git clone -c %core.",
            "git clone %ext::",
        ],
    ),
];
