# boot.scr on p1: frozen once a card is flashed, so it does as little as it can. It reads the boot state,
# takes the first slot of BOOT_ORDER that has attempts left, counts, saves, and hands over to the slot's own
# /boot/slot.scr. Whatever goes wrong ends in a reset, and a reset counts an attempt.
# In: devtype, devnum (the disk this script came from), scriptaddr.
echo "home-pi: boot script, disk ${devtype} ${devnum}"
setexpr state_addr ${scriptaddr} + 0x20000
setexpr slot_addr ${scriptaddr} + 0x40000
${devtype} dev ${devnum}

# Two identical copies at LBA 16 and LBA 8192; the first that passes its CRC counts.
setenv state_valid 0
for copy in 0x10 0x2000; do
  if test ${state_valid} = 0; then
    if ${devtype} read ${state_addr} ${copy} 1; then
      if env import -c ${state_addr} 0x200 BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT FRESH CONTRACT; then
        setenv state_valid 1
      else
        echo "home-pi: boot state at block ${copy} is damaged"
      fi
    fi
  fi
done
if test ${state_valid} = 0; then
  setenv BOOT_ORDER "A B"
  setenv BOOT_A_LEFT 3
  setenv BOOT_B_LEFT 3
  setenv FRESH 0
  setenv CONTRACT 1
fi

setenv slot none
setenv known 0
for candidate in ${BOOT_ORDER}; do
  if test ${candidate} = A; then setenv known 1; fi
  if test ${candidate} = B; then setenv known 1; fi
  if test ${slot} = none; then
    if test ${candidate} = A; then
      if itest.l 0x${BOOT_A_LEFT} > 0; then
        setexpr BOOT_A_LEFT ${BOOT_A_LEFT} - 1
        setenv slot A
        setenv slot_part 2
        setenv left ${BOOT_A_LEFT}
      fi
    fi
    if test ${candidate} = B; then
      if itest.l 0x${BOOT_B_LEFT} > 0; then
        setexpr BOOT_B_LEFT ${BOOT_B_LEFT} - 1
        setenv slot B
        setenv slot_part 3
        setenv left ${BOOT_B_LEFT}
      fi
    fi
  fi
done
if test ${slot} = none; then
  echo "home-pi: no slot has attempts left, from the top"
  setenv BOOT_A_LEFT 3
  setenv BOOT_B_LEFT 3
  # An order that names no slot would lead here for ever.
  if test ${known} = 0; then setenv BOOT_ORDER "A B"; fi
fi

env export -c -s 0x200 ${state_addr} BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT FRESH CONTRACT
${devtype} write ${state_addr} 0x10 1
${devtype} write ${state_addr} 0x2000 1

if test ${slot} != none; then
  echo "home-pi: slot ${slot}, ${left} attempts left after this one"
  if load ${devtype} ${devnum}:${slot_part} ${slot_addr} /boot/slot.scr; then
    source ${slot_addr}
  fi
  echo "home-pi: slot ${slot} did not start"
fi
reset
