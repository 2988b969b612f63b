"""The gateway's side of updates: releases, their pieces, roll-outs in stages. See docs/updates.md."""
