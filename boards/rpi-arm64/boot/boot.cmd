# boot.scr on p1: frozen once a card is flashed, so it does as little as it can. It reads the boot state,
# takes the first slot of BOOT_ORDER that has attempts left, counts, saves, and hands over to the slot's own
# /boot/slot.scr. Whatever goes wrong ends in a reset, and a reset counts an attempt.
# In: devtype, devnum (the disk this script came from), scriptaddr.
echo "home-pi: boot script, disk ${devtype} ${devnum}"
setexpr state_addr ${scriptaddr} + 0x20000
setexpr slot_addr ${scriptaddr} + 0x40000
${devtype} dev ${devnum}

# No loops in here: U-Boot leaves one, and skips all that follow, when it reads Ctrl-C, and on an open serial
# line it may read anything.

# Two identical copies at LBA 16 and LBA 8192; the first that passes its CRC counts.
setenv state_valid 0
if ${devtype} read ${state_addr} 0x10 1; then
  if env import -c ${state_addr} 0x200 BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT FRESH CONTRACT; then
    setenv state_valid 1
  else
    echo "home-pi: boot state at block 0x10 is damaged"
  fi
fi
if test ${state_valid} = 0; then
  if ${devtype} read ${state_addr} 0x2000 1; then
    if env import -c ${state_addr} 0x200 BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT FRESH CONTRACT; then
      setenv state_valid 1
    else
      echo "home-pi: boot state at block 0x2000 is damaged"
    fi
  fi
fi
if test ${state_valid} = 0; then
  setenv BOOT_ORDER "A B"
  setenv BOOT_A_LEFT 3
  setenv BOOT_B_LEFT 3
  setenv FRESH 0
  setenv CONTRACT 1
fi

# These orders there are; any other says nothing that could be followed. The x keeps an empty one an argument.
setenv known no
if test "x${BOOT_ORDER}" = "xA"; then setenv known yes; fi
if test "x${BOOT_ORDER}" = "xB"; then setenv known yes; fi
if test "x${BOOT_ORDER}" = "xA B"; then setenv known yes; fi
if test "x${BOOT_ORDER}" = "xB A"; then setenv known yes; fi
if test ${known} = no; then setenv BOOT_ORDER "A B"; fi

setenv can_a no
setenv can_b no
if itest.l 0x${BOOT_A_LEFT} > 0; then setenv can_a yes; fi
if itest.l 0x${BOOT_B_LEFT} > 0; then setenv can_b yes; fi
if test "x${BOOT_ORDER}" = "xA"; then setenv can_b no; fi
if test "x${BOOT_ORDER}" = "xB"; then setenv can_a no; fi

setenv slot none
if test ${can_a} = yes; then setenv slot A; fi
if test ${can_b} = yes; then
  if test ${slot} = none; then setenv slot B; fi
  if test "x${BOOT_ORDER}" = "xB A"; then setenv slot B; fi
fi
if test ${slot} = A; then
  setexpr BOOT_A_LEFT ${BOOT_A_LEFT} - 1
  setenv slot_part 2
  setenv left ${BOOT_A_LEFT}
fi
if test ${slot} = B; then
  setexpr BOOT_B_LEFT ${BOOT_B_LEFT} - 1
  setenv slot_part 3
  setenv left ${BOOT_B_LEFT}
fi
if test ${slot} = none; then
  echo "home-pi: no slot has attempts left, from the top"
  setenv BOOT_A_LEFT 3
  setenv BOOT_B_LEFT 3
fi

env export -c -s 0x200 ${state_addr} BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT FRESH CONTRACT
${devtype} write ${state_addr} 0x10 1
${devtype} write ${state_addr} 0x2000 1

if test ${slot} != none; then
  echo "home-pi: slot ${slot}, ${left} attempts left after this one"
  # Memory may still hold the whole script of an earlier start, which a short file would not replace.
  mw.l ${slot_addr} 0 0x1000
  if load ${devtype} ${devnum}:${slot_part} ${slot_addr} /boot/slot.scr; then
    source ${slot_addr}
  fi
  echo "home-pi: slot ${slot} did not start"
fi
reset
