//! temp
use attache_simulation::model::*;
use std::collections::*;
use stateright::Model;
#[test]
fn histo(){
  let m=Protocol::designed(Direction::ToAgent);
  let mut seen:HashSet<State>=HashSet::new();
  let mut q:Vec<State>=m.init_states();
  for s in &q {seen.insert(*s);}
  while let Some(s)=q.pop(){ for n in m.next_states(&s){ if seen.insert(n){q.push(n);} } }
  println!("total {}",seen.len());
  let mut h:BTreeMap<String,usize>=BTreeMap::new();
  for s in &seen {
    let r=s.row;
    let mut inc=|k:String| *h.entry(k).or_default()+=1;
    inc(format!("stage {:?} e{}",r.stage,r.epoch));
    inc(format!("tasks {}",s.tasks().count()));
    inc(format!("seq {}",r.sequence));
    inc(format!("queue {:?}",s.queue));
    inc(format!("faults {} {}",s.crashes,s.duplicates));
    inc(format!("platform {:?}",s.platform));
    inc(format!("timers {} {:?} {:?}",r.lease,r.due,r.intent));
    inc(format!("entrusted {}",s.entrusted));
    inc(format!("digest {:?} {:?}",r.digest,s.bucket));
    for t in s.tasks(){ inc(format!("task {:?} {:?} {:?}",t.job,t.fence,t.next)); }
  }
  for (k,v) in h {println!("{v:>9} {k}");}
}
