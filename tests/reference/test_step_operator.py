"""Tests ZenML's step operator against the simulator; only the ZenML server is mocked."""

import logging
import os
import unittest
import uuid
from datetime import datetime, timezone
from types import SimpleNamespace

# Set before the import: by default, ZenML writes a configuration folder, reports usage and logs.
os.environ["ZENML_ANALYTICS_OPT_IN"] = "false"
os.environ["ZENML_LOGGING_VERBOSITY"] = "CRITICAL"
os.environ["AUTO_OPEN_DASHBOARD"] = "false"

from zenml.config.base_settings import BaseSettings
from zenml.config.step_run_info import StepRunInfo
from zenml.enums import ExecutionStatus, StackComponentType
from zenml.integrations.runai.flavors import RunAIStepOperatorConfig
from zenml.integrations.runai.step_operators import runai_step_operator

from simulator import Simulator

logging.disable(logging.CRITICAL)

NOW = datetime(2025, 1, 1, tzinfo=timezone.utc)
KEY = "step_operator.runai"
runai_step_operator.Client = lambda: SimpleNamespace(active_user=SimpleNamespace(id=uuid.UUID(int=1)))
runai_step_operator.publish_step_run_metadata = lambda *_: None


def step_of(settings):
    """Returns a mock step run with the attributes that the operator uses."""
    run = SimpleNamespace(id=uuid.uuid4(), run_metadata={})
    step = StepRunInfo.model_construct(
        config=SimpleNamespace(settings={KEY: BaseSettings.model_validate(settings)}),
        step_run_id=run.id,
        run_id=uuid.uuid4(),
        run_name="run",
        pipeline_step_name="trainer",
        pipeline=SimpleNamespace(name="pipeline"),
        force_write_logs=lambda: None,
    )
    # Attributes that the operator uses in addition to the fields.
    step.__dict__.update(
        step_run=run, id=run.id, run_metadata=run.run_metadata, get_image=lambda key: "python:3.12"
    )
    return step


class StepOperator(unittest.TestCase):
    def setUp(self):
        self.simulator = Simulator()
        self.addCleanup(self.simulator.__exit__)

    def operator(self, **more):
        config = RunAIStepOperatorConfig(
            client_id=self.simulator.client_id,
            client_secret=self.simulator.client_secret,
            runai_base_url=self.simulator.base_url,
            project_name=self.simulator.project,
            monitoring_interval=0.05,
            **more,
        )
        return runai_step_operator.RunAIStepOperator(
            name="runai",
            id=uuid.UUID(int=2),
            config=config,
            flavor="runai",
            type=StackComponentType.STEP_OPERATOR,
            user=None,
            created=NOW,
            updated=NOW,
        )

    def submit(self, operator, settings=None, **variables):
        step = step_of(settings or {})
        environment = {name: str(value) for name, value in variables.items()}
        operator.submit(step, ["python", "-m", "zenml.entrypoint", "--step", "trainer"], environment)
        return step

    def phase(self, operator, step):
        workload_id = operator._get_workload_id(step)
        return operator.client.get_training_workload_status(workload_id)

    def test_success(self):
        operator = self.operator(cluster_name=self.simulator.cluster)
        step = self.submit(operator, {"gpu_portion_request": 0.5}, RUNAI_SIM_RUNNING=0.2)
        self.assertEqual(operator.wait(step), ExecutionStatus.COMPLETED)
        self.assertEqual(operator.get_status(step), ExecutionStatus.COMPLETED)

    def test_failure(self):
        operator = self.operator(delete_on_failure=True)
        step = self.submit(operator, RUNAI_SIM_RUNNING=0.2, RUNAI_SIM_RESULT="Failed")
        with self.assertRaisesRegex(RuntimeError, "failed with status: Failed"):
            operator.wait(step)
        self.simulator.advance(1)
        self.assertEqual(operator.get_status(step), ExecutionStatus.FAILED)

    def test_pending_timeout(self):
        operator = self.operator()
        # More GPUs than the simulator has: the workload stays pending.
        step = self.submit(operator, {"gpu_devices_request": 9, "pending_timeout": 1})
        with self.assertRaisesRegex(RuntimeError, "exceeded pending timeout"):
            operator.wait(step)
        self.simulator.advance(1)
        self.assertEqual(self.phase(operator, step), "Stopped")

    def test_cancel(self):
        operator = self.operator()
        step = self.submit(operator, RUNAI_SIM_RUNNING=600)
        self.simulator.advance(10)
        self.assertEqual(operator.get_status(step), ExecutionStatus.RUNNING)
        operator.cancel(step)
        self.simulator.advance(1)
        self.assertEqual(self.phase(operator, step), "Stopped")

    def test_advanced_settings(self):
        operator = self.operator(image_pull_secret_name="registry")
        settings = {
            "gpu_request_type": "memory",
            "gpu_memory_request": "20Gi",
            "gpu_memory_limit": "40Gi",
            "priority_class": "high",
            "preemptibility": "preemptible",
            "labels": {"team": "ml"},
            "annotations": {"example.com/a": "b"},
            "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
            "pvc_mounts": [{"claim_name": "data", "path": "/data", "existing_pvc": True}],
            "config_map_mounts": [{"config_map": "training", "mount_path": "/etc/training", "default_mode": "0644"}],
            "security_context": {"uid_gid_source": "custom", "run_as_uid": 1000, "supplemental_groups": [1, 2]},
            "ports": [{"container": 8888, "service_type": "ClusterIP"}],
            "backoff_limit": 1,
            "termination_grace_period_seconds": 5,
        }
        step = self.submit(operator, settings, RUNAI_SIM_RUNNING=0.2)
        self.assertEqual(operator.wait(step), ExecutionStatus.COMPLETED)

    def test_unknown_project(self):
        operator = self.operator()
        operator.config.__dict__["project_name"] = "nowhere"
        with self.assertRaisesRegex(RuntimeError, "not found"):
            self.submit(operator)


if __name__ == "__main__":
    unittest.main()
