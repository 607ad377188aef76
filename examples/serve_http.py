"""Codes, anomaly scores and labels over HTTP, from a file of ONNX: raw rows in, no torch.

python examples/serve_http.py digits.onnx [--port 8000]

It serves any file that `to_onnx` writes with X as its only input. docs/serve.md has the story.
"""

import argparse
import json
from typing import Annotated

import numpy as np
import onnxruntime
import uvicorn
from fastapi import FastAPI, HTTPException
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, FiniteFloat

INPUTS = {  # the dtype of X, and what a value may be
    "tensor(float)": (np.float32, FiniteFloat),
    "tensor(double)": (np.float64, FiniteFloat),
    "tensor(uint8)": (np.uint8, Annotated[int, Field(ge=0, le=255)]),
}


def make_app(path):
    options = onnxruntime.SessionOptions()
    # Idle threads would otherwise keep cores busy between two requests.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(path, options)
    if (inputs := [one.name for one in session.get_inputs()]) != ["X"]:
        raise ValueError(f"{path} must have X as its only input, got {inputs}")
    about = json.loads(session.get_modelmeta().custom_metadata_map["sk_bigan"])
    names = [output.name for output in session.get_outputs()]
    dtype, Row = INPUTS[session.get_inputs()[0].type]
    for length in reversed(about["row_shape"]):
        Row = Annotated[list[Row], Field(min_length=length, max_length=length)]

    class Rows(BaseModel):
        X: Annotated[list[Row], Field(min_length=1)]

    app = FastAPI(title="Features of raw rows")

    @app.get("/")
    async def describe() -> dict:
        return about

    @app.post("/")
    async def compute(rows: Rows) -> dict[str, list]:
        with np.errstate(over="ignore"):  # the outputs show it
            X = np.asarray(rows.X, dtype)
        outputs = dict(zip(names, session.run(names, {"X": X}), strict=True))
        numbers = [output for output in outputs.values() if output.dtype.kind == "f"]
        if not all(np.isfinite(output).all() for output in numbers):
            raise HTTPException(422, "body.X: Values should lie nearer to the training data")
        return {name: output.tolist() for name, output in outputs.items()}

    @app.exception_handler(RequestValidationError)
    async def refuse(_, error):
        # One error, without its input, which may be NaN: JSON has none.
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        return JSONResponse({"detail": f"{place}: {first['msg']}"}, 422)

    return app


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path")
    parser.add_argument("--port", type=int, default=8000)
    arguments = parser.parse_args()
    uvicorn.run(make_app(arguments.path), port=arguments.port, access_log=False)
