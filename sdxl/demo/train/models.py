"""Configurations of the tiny SDXL: the topology of the real one, 6 M parameters."""
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

WIDTH_1, WIDTH_2, TIME_ID = 64, 96, 32


def _text_config(vocab, bos, eos, pad, width, layers, inner, act):
    return CLIPTextConfig(vocab_size=vocab, hidden_size=width, intermediate_size=inner, num_hidden_layers=layers,
                          num_attention_heads=width // 32, max_position_embeddings=77, hidden_act=act, projection_dim=WIDTH_2,
                          bos_token_id=bos, eos_token_id=eos, pad_token_id=pad, attn_implementation="eager")


def text_encoder(vocab, bos, eos):
    return CLIPTextModel(_text_config(vocab, bos, eos, eos, WIDTH_1, 2, 4 * WIDTH_1, "quick_gelu"))


def text_encoder_2(vocab, bos, eos):
    return CLIPTextModelWithProjection(_text_config(vocab, bos, eos, 0, WIDTH_2, 4, 3 * WIDTH_2, "gelu"))


def unet(channels=(64, 96, 96), in_channels=4):
    m = UNet2DConditionModel(
        sample_size=16, in_channels=in_channels, out_channels=4, block_out_channels=channels, layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        mid_block_type="UNetMidBlock2DCrossAttn", transformer_layers_per_block=[1, 1, 1],
        attention_head_dim=[c // 32 for c in channels],   # this field holds the number of heads
        use_linear_projection=True, cross_attention_dim=WIDTH_1 + WIDTH_2, addition_embed_type="text_time",
        addition_time_embed_dim=TIME_ID, projection_class_embeddings_input_dim=WIDTH_2 + 6 * TIME_ID,
        norm_num_groups=32, upcast_attention=False)
    m.set_attn_processor(AttnProcessor())                 # faster backward pass on a CPU than the fused attention
    return m


def vae():
    return AutoencoderKL(in_channels=3, out_channels=3, latent_channels=4, block_out_channels=(16, 32, 64, 64),
                         down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
                         layers_per_block=1, norm_num_groups=8, sample_size=128, act_fn="silu", scaling_factor=1.0)


def to_signal(pixels):
    """uint8 [n, h, w, 3] -> float [n, 3, h, w] in -1..1."""
    return (torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1).contiguous()


def to_pixels(signal):
    """The inverse of to_signal, with clamping."""
    return ((signal.float().clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
