package org.sae4j.engine.cpu.internal.memory;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class GroupsTest {
    @Test
    void groupsCoverTheRows() {
        for (int full : new int[] {4, 12}) {
            for (int rows = 0; rows < 60; rows++) {
                Groups groups = new Groups(rows, full);
                int next = 0;
                for (int g = 0; g < groups.count(); g++) {
                    assertThat(groups.start(g)).isEqualTo(next);
                    assertThat(groups.size(g)).isIn(full, 4, 1);
                    next += groups.size(g);
                }
                assertThat(next).isEqualTo(rows);
                assertThat(groups.start(groups.count())).isEqualTo(rows);
            }
        }
    }
}
