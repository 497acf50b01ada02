"""Tests the official SDK against the simulator: every response is parsed into the SDK's types."""

import asyncio
import unittest
import uuid

from runai import models
from runai.api_client import ApiClient, AsyncApiClient, ThreadedApiClient
from runai.configuration import Configuration
from runai.runai_client import RunaiClient

from simulator import Simulator


class Sdk(unittest.TestCase):
    def setUp(self):
        self.simulator = Simulator()
        self.addCleanup(self.simulator.__exit__)
        self.client = RunaiClient(ApiClient(self.configuration()))
        projects = self.client.organizations.projects.get_projects(filter_by=[f"name=={self.simulator.project}"])
        (self.project,) = projects.data["projects"]

    def configuration(self, **more):
        # No retries, which would hide unexpected responses.
        return Configuration(
            client_id=self.simulator.client_id,
            client_secret=self.simulator.client_secret,
            runai_base_url=self.simulator.base_url,
            retry_enabled=False,
            **more,
        )

    def request(self, name, **variables):
        return models.TrainingCreationRequest(
            name=name,
            project_id=self.project["id"],
            cluster_id=self.project["clusterId"],
            spec=models.TrainingSpecSpec(
                image="python:3.12",
                command="python3 -c",
                args="pass",
                compute=models.SupersetSpecAllOfCompute(
                    gpu_devices_request=1, gpu_request_type="portion", gpu_portion_request=0.5
                ),
                environment_variables=[
                    models.EnvironmentVariable(name=name, value=str(value)) for name, value in variables.items()
                ],
            ),
        )

    def create(self, name, **variables):
        response = self.client.workloads.trainings.create_training1(self.request(name, **variables))
        self.assertEqual(response.status_code, 202)
        return models.Training1.from_dict(response.data)

    def workload(self, workload_id):
        return models.WorkloadDetailed.from_dict(self.client.workloads.workloads.get_workload(workload_id).data)

    def test_environment(self):
        by_id = self.client.organizations.projects.get_project(self.project["id"]).data
        self.assertEqual(by_id, self.project)
        # The SDK's class `Project` belongs to another part of the API, so only the members are parsed.
        self.assertEqual(models.ProjectStatus.from_dict(by_id["status"]).phase, "Ready")
        self.assertEqual(models.ProjectEffective.from_dict(by_id["effective"]).default_node_pools, ["default"])
        (cluster,) = self.client.organizations.clusters.get_clusters().data
        self.assertEqual(models.DisplayedCluster.from_dict(cluster).name, self.simulator.cluster)
        one = self.client.organizations.clusters.get_cluster_by_uuid(cluster["uuid"], verbosity="metadata")
        self.assertEqual(str(models.DisplayedCluster.from_dict(one.data).uuid), cluster["uuid"])
        (pool,) = self.client.organizations.node_pools.get_nodepools().data["nodepools"]
        self.assertTrue(models.Nodepool.from_dict(pool).is_default)
        for permission in self.client.authentication_and_authorization.permissions.get_permissions().data:
            models.Permission.from_dict(permission)
        rules = self.client.authentication_and_authorization.me.get_me_access_rules().data
        self.assertEqual(models.MeAccessRulesResponse.from_dict(rules).access_rules.total_records, 1)
        templates = self.client.workloads.workload_templates.list_templates1().data
        self.assertEqual(models.TemplatesListResponse.from_dict(templates).entries, [])
        for role in self.client.authentication_and_authorization.roles.get_roles_v1().data:
            models.RoleV1.from_dict(role)
        policy = self.client.policies.policy.get_training_policy_v2("project", project_id=self.project["id"])
        self.assertIsNotNone(models.TrainingPolicyV2.from_dict(policy.data).effective)

    def test_workload_lifecycle(self):
        training = self.create("fit", RUNAI_SIM_RUNNING=60)
        self.assertEqual((training.name, training.actual_phase), ("fit", "Creating"))
        self.simulator.advance(10)
        again = self.client.workloads.trainings.get_training(training.workload_id)
        self.assertEqual(models.Training1.from_dict(again.data).actual_phase, "Running")
        workload = self.workload(training.workload_id)
        self.assertEqual((workload.phase, workload.running_pods), ("Running", 1))
        (pod,) = self.client.workloads.pods.get_workload_pods(training.workload_id).data["pods"]
        self.assertEqual(models.Pod1.from_dict(pod).node_name, "node-1")

        trainings = self.client.workloads.trainings
        self.assertEqual(trainings.suspend_training(training.workload_id).status_code, 202)
        self.simulator.advance(1)
        self.assertEqual(self.workload(training.workload_id).phase, "Stopped")
        self.assertEqual(trainings.resume_training(training.workload_id).status_code, 202)
        self.simulator.advance(61)
        self.assertEqual(self.workload(training.workload_id).phase, "Completed")

        events = self.client.workloads.events.get_workload_events(training.workload_id).data["events"]
        reasons = [models.Event1.from_dict(event).reason for event in events]
        self.assertIn("Suspended", reasons)
        records = self.client.workloads.events.get_workload_history(training.workload_id).data["records"]
        kinds = {models.HistoryRecord1.from_dict(record).meta.type for record in records}
        self.assertEqual(kinds, {"Event", "PhaseUpdate"})

        self.assertEqual(trainings.delete_training(training.workload_id).status_code, 202)
        self.simulator.advance(1)
        with self.assertRaises(Exception) as error:
            trainings.get_training(training.workload_id)
        self.assertEqual(error.exception.status, 404)

    def test_lists(self):
        for number in range(5):
            self.create(f"fit-{number}", RUNAI_SIM_RUNNING=600)
        self.create("eval", RUNAI_SIM_RESULT="Failed")
        self.simulator.advance(10)
        workloads = self.client.workloads.workloads

        def names(**query):
            found = workloads.get_workloads(**query).data["workloads"]
            return [models.Workload.from_dict(workload).name for workload in found]

        self.assertEqual(len(names()), 6)
        self.assertEqual(names(filter_by=["phase==Failed"]), ["eval"])
        self.assertEqual(names(filter_by=["name=^fit", "phase==Running"], limit=2, offset=3), ["fit-3", "fit-4"])
        self.assertEqual(names(search="FIT-2"), ["fit-2"])
        self.assertEqual(names(sort_by="name", sort_order="desc", limit=1), ["fit-4"])
        self.assertEqual(workloads.get_workloads(limit=4).data["next"], 4)
        self.assertEqual(workloads.count_workloads(filter_by=["name=^fit"]).data["count"], 5)

    def test_batch_suspend(self):
        ids = [self.create(f"fit-{number}", RUNAI_SIM_RUNNING=600).workload_id for number in range(3)]
        self.simulator.advance(10)
        unknown = str(uuid.uuid4())
        batch = models.WorkloadBatch(ids=[*ids, unknown], action="suspend")
        response = models.BatchResponse.from_dict(self.client.workloads.workloads_batch.batch_workloads(batch).data)
        self.assertEqual([str(it) for it in response.succeeded], [str(it) for it in ids])
        self.assertEqual([(str(it.id), it.code) for it in response.failed], [(unknown, 404)])
        self.simulator.advance(1)
        self.assertEqual({self.workload(it).phase for it in ids}, {"Stopped"})

    def test_batch_resume_and_delete(self):
        ids = [self.create(f"fit-{number}", RUNAI_SIM_RUNNING=600).workload_id for number in range(3)]
        for action, phase in [("suspend", "Stopped"), ("resume", "Running")]:
            self.simulator.advance(10)
            self.client.workloads.workloads_batch.batch_workloads(models.WorkloadBatch(ids=ids, action=action))
            self.simulator.advance(10)
            self.assertEqual({self.workload(it).phase for it in ids}, {phase})
        self.client.workloads.workloads_batch.batch_workloads(models.WorkloadBatch(ids=ids, action="delete"))
        self.simulator.advance(1)
        self.assertEqual(self.client.workloads.workloads.count_workloads().data["count"], 0)

    def test_not_found(self):
        unknown = str(uuid.uuid4())
        trainings = self.client.workloads.trainings
        for call in [
            trainings.get_training,
            trainings.suspend_training,
            trainings.resume_training,
            trainings.delete_training,
            self.client.workloads.workloads.get_workload,
            self.client.workloads.events.get_workload_events,
            self.client.workloads.events.get_workload_history,
            self.client.workloads.pods.get_workload_pods,
            self.client.organizations.projects.get_project,
            self.client.organizations.clusters.get_cluster_by_uuid,
        ]:
            with self.assertRaises(Exception) as error:
                call(unknown)
            self.assertEqual(error.exception.status, 404, call)
            self.assertIn(unknown, str(error.exception.body))

    def test_name_conflict(self):
        self.create("fit")
        with self.assertRaises(Exception) as error:
            self.create("fit")
        self.assertEqual(error.exception.status, 409)

    def test_error_names_member(self):
        request = self.request("fit")
        request.spec.compute.gpu_portion_request = None
        with self.assertRaises(Exception) as error:
            self.client.workloads.trainings.create_training1(request)
        self.assertEqual(error.exception.status, 400)
        self.assertIn("compute.gpuPortionRequest", str(error.exception.body))

    def test_threads(self):
        with RunaiClient(ThreadedApiClient(self.configuration())) as client:
            trainings, workloads = client.workloads.trainings, client.workloads.workloads

            def all_at_once(call, arguments, status):
                """Runs the calls concurrently and returns their data."""
                responses = [pending.get() for pending in [call(argument) for argument in arguments]]
                self.assertEqual({response.status_code for response in responses}, {status})
                return [response.data for response in responses]

            def phases():
                return [workload["phase"] for workload in all_at_once(workloads.get_workload, ids, 200)]

            requests = [self.request(f"fit-{number}", RUNAI_SIM_RUNNING=600) for number in range(8)]
            ids = [it["workloadId"] for it in all_at_once(trainings.create_training1, requests, 202)]
            self.assertEqual(len(set(ids)), 8)
            self.simulator.advance(10)
            self.assertEqual(phases(), ["Running"] * 8)
            all_at_once(trainings.suspend_training, ids, 202)
            self.simulator.advance(1)
            self.assertEqual(phases(), ["Stopped"] * 8)
            all_at_once(trainings.resume_training, ids, 202)
            self.simulator.advance(10)
            self.assertEqual(phases(), ["Running"] * 8)
            all_at_once(trainings.delete_training, ids, 202)
            self.simulator.advance(1)
            self.assertEqual(workloads.get_workloads().get().data["workloads"], [])
            self.assertEqual(len(workloads.get_workloads(deleted=True).get().data["workloads"]), 8)

    def test_async_client(self):
        async def read():
            async with RunaiClient(AsyncApiClient(self.configuration())) as client:
                return await client.organizations.projects.get_projects()

        self.assertEqual(len(asyncio.run(read()).data["projects"]), 1)

    def test_expired_token(self):
        self.simulator.control("/sim/tokens/expire", {})
        with self.assertRaises(Exception) as error:
            self.client.organizations.clusters.get_clusters()
        self.assertEqual(error.exception.status, 401)
        again = RunaiClient(ApiClient(self.configuration()))
        self.assertEqual(len(again.organizations.clusters.get_clusters().data), 1)


if __name__ == "__main__":
    unittest.main()
