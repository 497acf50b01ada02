//! The rendered body is sent byte for byte.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use runai_api::name::SubmissionId;
use runai_client::StepOperator;
use runai_spec::{Context, Resolver, Source};
use runai_syntax::Format;

use crate::script::{Reply, answering};

#[tokio::test(start_paused = true)]
async fn sends_the_rendered_bytes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runai-spec/tests/fixtures/valid");
    let mut steps = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.extension().is_some_and(|ending| ending == "snap") {
            continue;
        }
        let (text, format) = (fs::read_to_string(&path).unwrap(), Format::of_path(&name));
        let resolution = Resolver::new(Source { name: &name, text: &text, format }).resolve();
        let Some(step) = resolution.step() else { continue };
        let context = Context {
            image: Some("python:3.12".to_owned()),
            project_id: Some("7".to_owned()),
            cluster_id: Some("71f69d83-ba66-4822-adf5-55ce55efd210".to_owned()),
            submission_id: Some(SubmissionId::new("http://localhost", "7", &name)),
            ..Context::default()
        };
        let sent = Arc::new(Mutex::new(Vec::new()));
        let bodies = Arc::clone(&sent);
        let client = answering(move |request| match request.line.as_str() {
            "POST /api/v2/token" => Reply::token(),
            "POST /api/v1/workloads/trainings" => {
                bodies.lock().unwrap().push(request.body.clone());
                Reply::error(403, "not here")
            }
            other => panic!("{other}"),
        });
        StepOperator::new(client, "vision").submit(&step.submission(&context)).await.unwrap_err();
        assert_eq!(*sent.lock().unwrap(), [step.body(&context)], "{name}");
        steps += 1;
    }
    assert!(steps >= 10, "{steps}");
}
